"""One look at this machine for one config. Reads only, and asks nobody but the kernel: no packet leaves the machine."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from journal import writer_of
from kglb.config.load import Loaded
from kglb.dataplane.addresses import kernel_version
from kglb.dataplane.ipvs import Ipvs
from kglb.dataplane.passage import Passage, conf, find_passage, sysctl_reader
from kglb.dataplane.port import Unavailable
from kglb.dataplane.routes import Route, Routes
from kglb.doctor import machine
from kglb.doctor.company import DELETING, SHARING
from kglb.doctor.facts import ConfigFile, Facts, Network
from kglb.doctor.wanted import literal_reals, marked_ways, vips
from kglb.model import Config, RealId, ServiceId
from kglb.model.service import HASHING

_SYSCTLS = (
    "kernel.modules_disabled",
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    "net.ipv4.vs.conn_reuse_mode",
    "net.ipv4.vs.conntrack",
    "net.ipv4.vs.expire_nodest_conn",
    "net.ipv4.vs.expire_quiescent_template",
    "net.ipv4.vs.pmtu_disc",
    "net.netfilter.nf_conntrack_count",
    "net.netfilter.nf_conntrack_max",
)

_ELSEWHERE = ("192.0.2.1", "2001:db8::1")
"""Addresses that are nobody's (RFC 5737, RFC 3849): only a default route leads there. They are sent nothing."""


def gather(loaded: Loaded, path: Path | None) -> Facts:
    """The facts for a config and its file, if it has one. Raises OSError where the kernel cannot be asked."""
    config = loaded.config
    in_earnest = config.data_plane.kind == "ipvs"
    network = _network() if in_earnest else Network()
    table = _table(config) if in_earnest else _Table()
    journal, helper = Path(config.journal.directory), Path(config.bgp.socket)
    daemon = writer_of(journal)
    routes, default_routes, passages = _routes(config) if in_earnest else ({}, (), ())
    return Facts(
        config=config,
        kernel=kernel_version(),
        unavailable=table.unavailable,
        remedy=table.remedy,
        loaded=machine.loaded_modules(),
        loadable=machine.loadable_modules(),
        sysctls=machine.sysctls((*_SYSCTLS, *_settings_of(("all", *network.links)))),
        may_ping=machine.may_ping(),
        descriptors=machine.descriptor_limit(),
        services=table.foreign,
        orders=table.orders,
        controllers=tuple(sorted(machine.processes() & (DELETING | SHARING))),
        network=network,
        routes=routes,
        default_routes=default_routes,
        passages=passages,
        daemon=daemon,
        daemon_user=machine.owner_of(journal if daemon is None else Path(f"/proc/{daemon}")) or "root",
        status_error=machine.listen_error(config.status.listen),
        helper_user=machine.owner_of(helper) if helper.is_socket() else None,
        control_group_is_there=machine.has_group(config.control.group),
        disk=machine.disk_of(journal),
        files=tuple(_files(loaded, path)) if path is not None else (),
        synchronised=machine.clock_is_synchronised(),
    )


class _Table(NamedTuple):
    """The kernel's services that are not the config's, and the order of reals in those that hash.

    Or what keeps IPVS from being driven, with its cure.
    """

    foreign: tuple[ServiceId, ...] = ()
    orders: Mapping[ServiceId, tuple[RealId, ...]] = {}
    unavailable: str | None = None
    remedy: str = ""


def _table(config: Config) -> _Table:
    try:
        ipvs = Ipvs()
    except Unavailable as missing:
        return _Table(unavailable=missing.problem, remedy=missing.remedy)
    try:
        ours = {balancer.id for balancer in config.balancers}
        keys = [service.key for service in ipvs.services()]
        hashing = [balancer.id for balancer in config.balancers if balancer.service.scheduler in HASHING]
        return _Table(
            foreign=tuple(sorted(key.id for key in keys if key.id not in ours and key.mark not in config.marks)),
            orders={id: tuple(destination.real for destination in ipvs.destinations(id)) for id in hashing},
        )
    finally:
        ipvs.close()


def _network() -> Network:
    from kglb.doctor import rtnetlink  # noqa: PLC0415 - it imports pyroute2, and a machine in memory has no network

    return rtnetlink.look()


def _settings_of(interfaces: Iterable[str]) -> Iterable[str]:
    """The names of the sysctls that interfaces have."""
    for interface in interfaces:
        yield conf(interface, "arp_ignore")
        yield conf(interface, "send_redirects")
        yield conf(interface, "forwarding", ipv6=True)
        yield conf(interface, "proxy_ndp", ipv6=True)


def _routes(config: Config) -> tuple[dict[str, Route | None], tuple[Route, ...], tuple[Passage, ...]]:
    """The routes to the reals, those to the rest of the world, and the passages of checks through the VIP."""
    routes = Routes()
    try:
        found = {real.address: routes.to(real.address) for real in literal_reals(config)}
        defaults = (routes.to(address) for address in _ELSEWHERE)
        own = frozenset(address.address.partition("/")[0] for address in vips(config))
        in_force = sysctl_reader()
        passages = (find_passage(way, source, own, routes.to, in_force) for way, source in marked_ways(config).items())
        return found, tuple(route for route in defaults if route is not None), tuple(passages)
    finally:
        routes.close()


def _files(loaded: Loaded, path: Path) -> Iterable[ConfigFile]:
    """The config, and the files of secrets beside it."""
    yield _file(path, holds_secrets=any(reference.inline for reference in loaded.secrets))
    for name in sorted({reference.file for reference in loaded.secrets if reference.file}):
        yield _file(path.parent / name, holds_secrets=True)


def _file(path: Path, *, holds_secrets: bool) -> ConfigFile:
    mode = os.stat(path).st_mode
    return ConfigFile(
        path=str(path),
        holds_secrets=holds_secrets,
        readable_by_others=bool(mode & 0o004),
        writable_by_others=bool(mode & 0o002),
    )
