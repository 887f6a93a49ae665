"""What must hold between the keys of a balancer, and what deserves a warning.

Rules marked *kernel* are refused, or silently misunderstood, by ip_vs. Those marked *KgLb* come from KgLb's
validation of its own config.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from kglb.config.balancers import Draft
from kglb.config.problems import path_text
from kglb.config.reader import Node
from kglb.decisions import families
from kglb.model import (
    Config,
    DummyCheck,
    ExecCheck,
    HttpCheck,
    PingCheck,
    Pool,
    Prefixes,
    Real,
    ServiceId,
    TcpCheck,
    connects,
    parts_of,
)
from kglb.model.endpoint import is_address, split_host_port
from kglb.model.service import FLAG_ALIASES, HASHING

_NEEDED_SCHEDULER = {"sh-port": "sh", "sh-fallback": "sh", "mh-port": "mh", "mh-fallback": "mh"}
_ONE_PACKET = ("ops", "one-packet")
_BLIND_TO_WEIGHTS = ("rr", "lc")
_SH_SLOTS = 256
_BLIND_TO_SHARES = (*_BLIND_TO_WEIGHTS, "dh")


def flags_fit(draft: Draft) -> None:
    """sh's and mh's flags are other bits to other schedulers; one-packet is for UDP (ipvsadm(8), --ops)."""
    service = draft.balancer.service
    for index, flag in enumerate(draft.flags):
        needed = _NEEDED_SCHEDULER.get(flag)
        if needed and service.scheduler != needed:
            draft.node.fail(f"{flag} needs the scheduler {needed}, not {service.scheduler}", at=("flags", index))
        if flag in _ONE_PACKET and service.key.protocol == "tcp":
            draft.node.fail(f"{flag} needs a udp:// or fwmark service", at=("flags", index))


def persistence_fits(draft: Draft) -> None:
    """Kernel: a mask is no longer than an address; the sip engine reads UDP only."""
    service = draft.balancer.service
    if service.netmask > 32 and not service.key.ipv6:
        draft.node.fail(
            f"an IPv4 netmask is a prefix length from 1 to 32, found {service.netmask}",
            at=("persistence", "netmask"),
        )
    if service.engine == "sip" and service.key.protocol == "tcp":
        draft.node.fail("the sip engine needs a udp:// or fwmark service", at=("persistence", "engine"))


def any_port_needs_persistence(draft: Draft) -> None:
    """Kernel: a service on every port (port 0) works only with persistence (ipvsadm(8), --tcp-service)."""
    service = draft.balancer.service
    if service.key.protocol != "fwmark" and service.key.port == 0 and not service.persistence:
        draft.node.fail(
            "port 0, which is every port, needs persistence",
            'name a port or add persistence = "360s"',
            at=("service",),
        )


def announced_vip(draft: Draft) -> None:
    """A firewall mark has no VIP, so there is no route to announce; and a route is for whom it leads to."""
    announce, key = draft.balancer.announce, draft.balancer.service.key
    if announce is None:
        return
    if key.protocol == "fwmark":
        draft.node.fail("a fwmark service has no VIP to announce", "remove announce", at=("announce",))
    elif announce.prefix and not Prefixes((announce.prefix,)).covering(key.address):
        draft.node.fail(f"the VIP {key.address} is not in {announce.prefix}", at=("announce", "prefix"))


def families_match(draft: Draft) -> None:
    """Kernel: only a tunnel carries packets of one family to a real of the other."""
    ipv6 = draft.balancer.service.key.ipv6
    for place, real in _placed_reals(draft):
        if real.forward.method != "tunnel" and _family(real) not in (None, ipv6):
            place.fail(
                f"{real.host} is IPv{4 if ipv6 else 6} behind an IPv{6 if ipv6 else 4} service: "
                f"{real.forward.method} cannot reach it",
                "only a tunnel may mix families",
            )


def pools_are_reachable(draft: Draft) -> None:
    """A pool whose members can be of no family that is reached, and checked, never has any."""
    for place, pool in zip(draft.pool_places, draft.balancer.pools, strict=True):
        if not families(draft.balancer, pool):
            place.fail(f"no member of {pool.id} could be checked from {draft.balancer.check.source}")


def port_zero_needs_tunnel(draft: Draft) -> None:
    """KgLb: port 0 (keep the packet's port) only where the kernel ignores a real's port, in tunnels."""
    for place, real in _placed_reals(draft):
        if _port(real) == 0 and real.forward.method != "tunnel":
            place.fail(f"port 0 is for tunnels, {real.host} is reached by {real.forward.method}")


def checks_have_a_port(draft: Draft) -> None:
    """A real on port 0 cannot be connected to; its check names a port. A program may know another one."""
    parts = parts_of(draft.balancer.check)
    needs_port = any(not (part.port or isinstance(part, DummyCheck | PingCheck | ExecCheck)) for part in parts)
    if draft.balancer.fwmark_checks or not needs_port:
        return
    for place, real in _placed_reals(draft):
        if _port(real) == 0:
            place.fail(f"{real.host} has no port to check", "add port to [balancer.check]")


def source_fits(draft: Draft) -> None:
    """A connection has one family: the check's source address must have that of every real, or of the VIP it checks."""
    source = draft.balancer.check.source
    if not source:
        return
    if draft.balancer.fwmark_checks:
        if draft.balancer.service.key.ipv6 != (":" in source):
            draft.node.fail(
                f"the check cannot connect from {source} to the VIP: their families differ", at=("check", "source")
            )
        return
    for place, real in _placed_reals(draft):
        if _family(real) not in (None, ":" in source):
            place.fail(f"the check cannot connect from {source} to {real.host}: their families differ")


def checks_can_be_marked(draft: Draft) -> None:
    """Checks through the VIP need a VIP, a port of it, and a TCP connection (KgLb: no syslog, no DNS over UDP)."""
    balancer = draft.balancer
    if not balancer.fwmark_checks:
        return
    key, check = balancer.service.key, balancer.check
    if key.protocol == "fwmark":
        draft.node.fail("a fwmark service has no VIP to check through", at=("fwmark_checks",))
    if not (connects(check) or isinstance(check, DummyCheck)):
        draft.node.fail("only checks over TCP can go through the VIP", at=("fwmark_checks",))
    has_port = all(part.port for part in parts_of(check))
    for place, real in _placed_reals(draft):
        if not (has_port or key.port or _port(real)):
            place.fail(f"neither the service nor {real.host} has a port to check", "add port to [balancer.check]")


def too_few_fail_open(draft: Draft) -> None:
    """Who fails closed when no real is up cannot fail open while some are."""
    balancer = draft.balancer
    if balancer.fail_open_below and balancer.when_all_down != "fail_open":
        draft.node.fail(
            f'fail_open_below needs when_all_down = "fail_open", found "{balancer.when_all_down}"',
            "remove one of the two",
            at=("fail_open_below",),
        )


def udp_checked_by_tcp(draft: Draft) -> None:
    """Warning: TCP to the port of a UDP service says nothing about it. A port of the check's own is meant."""
    by_tcp = any(  # DNS and syslog serve one port by both
        isinstance(part, TcpCheck | HttpCheck) and not part.port for part in parts_of(draft.balancer.check)
    )
    if draft.balancer.service.key.protocol == "udp" and by_tcp:
        draft.node.warn("the service is UDP but the check connects by TCP", at=("check",))


def weights_count(draft: Draft) -> None:
    """Warning: weights that cannot have the effect they suggest."""
    weights = {entry.weight for entry in _entries(draft)}
    scheduler = draft.balancer.service.scheduler
    if weights == {0}:
        draft.node.warn("every real has weight 0: new connections will be refused", at=("reals",))
    if scheduler in _BLIND_TO_WEIGHTS and len(weights - {0}) > 1:
        draft.node.warn(f"{scheduler} ignores weights other than 0; w{scheduler} heeds them", at=("reals",))


def slots_suffice(draft: Draft) -> None:
    """Warning, kernel: sh has 256 slots; a real takes as many as its weight, and one at weight 0 (ip_vs_sh.c)."""
    taken = sum(max(real.weight, 1) for real in draft.balancer.reals)
    if draft.balancer.service.scheduler == "sh" and taken > _SH_SLOTS:
        draft.node.warn(
            f"sh has {_SH_SLOTS} slots and gives each real as many as its weight, these want {taken}: some reals get "
            'no clients; smaller weights (1, the default, for equal shares), or scheduler = "mh"',
            at=("reals",),
        )


def clients_fall_back(draft: Draft) -> None:
    """Warning, kernel: the table of a hashing scheduler keeps a real whose weight is 0, and refuses its clients."""
    balancer, scheduler = draft.balancer, draft.balancer.service.scheduler
    if scheduler not in HASHING or balancer.when_down == "remove":
        return
    if scheduler != "dh" and FLAG_ALIASES[f"{scheduler}-fallback"] in balancer.service.flags:
        return
    cure = 'when_down = "remove"' if scheduler == "dh" else f'"{scheduler}-fallback" in flags'
    draft.node.warn(
        f"{scheduler} refuses new connections of the clients whose real is down; {cure} sends them to others",
        at=("scheduler",),
    )


def weights_have_steps(draft: Draft) -> None:
    """Warning: a slow start that does not do what its name says."""
    if draft.balancer.slow_start and (problem := _without_steps(draft)):
        draft.node.warn(problem, at=("slow_start",))


def _without_steps(draft: Draft) -> str:
    """What a slow start comes to under this scheduler, with these weights; empty if it is what its name says."""
    scheduler = draft.balancer.service.scheduler
    if scheduler in _BLIND_TO_SHARES:
        return f"{scheduler} ignores weights other than 0: slow_start does nothing"
    if scheduler in HASHING:
        return f"{scheduler} hashes clients by the weights of reals: each step of slow_start moves some to another real"
    if scheduler == "fo":  # ip_vs_fo.c
        return (
            "fo sends everything to the real with the largest weight: slow_start only puts off when that is the one "
            "that comes back"
        )
    weightiest = max((entry.weight for entry in _entries(draft)), default=0)
    return "a weight of 1 has no steps: slow_start does nothing" if weightiest == 1 else ""


def ports_reach(draft: Draft) -> None:
    """Warning: only masquerading changes a packet's port (ipvsadm(8), --real-server)."""
    key = draft.balancer.service.key
    if key.port == 0:
        return
    other = [
        real
        for _, real in _placed_reals(draft)
        if real.forward.method != "masquerade" and _port(real) not in (0, key.port)
    ]
    if other:
        draft.node.warn(
            f"{other[0].host} gets its packets on port {key.port}: {other[0].forward.method} does not change "
            f"ports, so its own port is only checked ({len(other)} such real{'s' * (len(other) > 1)})",
            at=("reals",),
        )


class Rule(NamedTuple):
    """A rule, and the keys of the balancer it has to have."""

    ask: Callable[[Draft], None]
    needs: frozenset[str]


RULES = (
    Rule(flags_fit, frozenset({"flags", "scheduler"})),
    Rule(persistence_fits, frozenset({"persistence"})),
    Rule(any_port_needs_persistence, frozenset({"persistence"})),
    Rule(announced_vip, frozenset()),
    Rule(families_match, frozenset({"forward"})),
    Rule(pools_are_reachable, frozenset({"forward", "check", "fwmark_checks"})),
    Rule(port_zero_needs_tunnel, frozenset({"forward"})),
    Rule(checks_have_a_port, frozenset({"check"})),
    Rule(source_fits, frozenset({"check"})),
    Rule(checks_can_be_marked, frozenset({"check", "fwmark_checks"})),
    Rule(too_few_fail_open, frozenset({"when_all_down", "fail_open_below"})),
    Rule(weights_have_steps, frozenset({"slow_start", "scheduler", "weight"})),
    Rule(udp_checked_by_tcp, frozenset({"check"})),
    Rule(weights_count, frozenset({"scheduler", "weight"})),
    Rule(slots_suffice, frozenset({"scheduler", "weight"})),
    Rule(clients_fall_back, frozenset({"scheduler", "flags", "when_down"})),
    Rule(ports_reach, frozenset({"forward"})),
)


def ask_rules(draft: Draft) -> None:
    """Ask every rule that has what it needs; what they find is reported at its place."""
    for rule in RULES:
        if not rule.needs & draft.failed:
            rule.ask(draft)


def services_differ(drafts: Iterable[Draft]) -> None:
    """KgLb: a service belongs to one balancer, whatever their names; one name may have many services."""
    first: dict[ServiceId, Draft] = {}
    for draft in drafts:
        earlier = first.setdefault(draft.balancer.id, draft)
        if earlier is not draft:
            place = earlier.node.reading.place
            path, (_, line, file) = place(earlier.node.path).path, place((*earlier.node.path, "service"))
            known = [f'"{earlier.balancer.name}"', f"line {line}" if line else "", file]
            draft.node.fail(
                f"duplicate service: {draft.balancer.id} is {path_text(path)}'s already "
                f"({', '.join(part for part in known if part)})",
                at=("service",),
            )


def marks_are_free(node: Node, config: Config) -> None:
    """No service is on a mark that is ours to give to checks."""
    marks = config.marks
    for balancer in config.balancers:
        if balancer.service.key.mark in marks:
            node.fail(
                f"{balancer.name}: {balancer.id} is one of the marks for checks, {marks[0]} to {marks[-1]}",
                "take another mark, or change fwmark_base",
                at=("data_plane", "fwmark_base"),
            )


def _placed_reals(draft: Draft) -> Iterator[tuple[Node, Real]]:
    """The reals with their places, and pools whose members' port is known, as if each were a real of that name."""
    yield from zip(draft.places, draft.balancer.reals, strict=True)
    for place, pool in zip(draft.pool_places, draft.balancer.pools, strict=True):
        if pool.kind == "dns":
            yield place, Real(host=pool.place, weight=pool.weight, forward=pool.forward)


def _entries(draft: Draft) -> tuple[Real | Pool, ...]:
    return (*draft.balancer.reals, *draft.balancer.pools)


def _port(real: Real) -> int:
    return split_host_port(real.host)[1]


def _family(real: Real) -> bool | None:
    """Whether a real is IPv6; None for a host name, which is known once it is resolved."""
    host, _ = split_host_port(real.host)
    return ":" in host if is_address(host) else None
