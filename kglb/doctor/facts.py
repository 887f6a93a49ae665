"""Everything that the rules ask about this machine, as plain values. Tests make them up; ``gather`` reads them."""

from collections.abc import Mapping

import msgspec

from kglb.dataplane.passage import Passage
from kglb.dataplane.routes import Route
from kglb.model import Address, Config, RealId, ServiceId


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The file system where the journal is, or would be: ``existing`` is the nearest directory that is there.

    ``free`` and ``used`` (by the journal itself) are bytes.
    """

    existing: str
    filesystem: str
    writable: bool
    free: int
    used: int = 0


class ConfigFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that holds secrets, or the config itself, and what its permissions let everybody else do."""

    path: str
    holds_secrets: bool
    readable_by_others: bool
    writable_by_others: bool


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A network interface. Without ``carrier`` there is nobody at the other end. ``mtu`` and ``mtu6`` are bytes."""

    up: bool = True
    carrier: bool = True
    mtu: int = 1500
    mtu6: int = 1500


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """What this machine has of a network, and knows of others in it, by the names of interfaces.

    ``duplicates`` are those of its ``addresses`` that another machine had when they were added (IPv6, RFC 4862, 5.4).
    ``neighbours`` are the addresses that another machine on a segment has lately answered for. ``proxied`` are the
    IPv6 addresses that this machine is to answer for, each on an interface, though they are not there.
    ``rule_marks`` are the marks of packets that `ip rule` has rules for, with the priority of the first.
    """

    links: Mapping[str, Link] = {}
    addresses: frozenset[Address] = frozenset()
    duplicates: frozenset[Address] = frozenset()
    neighbours: frozenset[str] = frozenset()
    proxied: frozenset[tuple[str, str]] = frozenset()
    rule_marks: Mapping[int, int] = {}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a machine, through the eyes of one config.

    ``unavailable`` and ``remedy`` are what the daemon itself would say of IPVS; None where it can be driven.
    ``loadable`` are the modules that the kernel has on disk or built in, None where nobody can tell.
    ``sysctls`` are by their dotted names; one that the kernel does not have is not there.
    ``services`` are those in the kernel that are neither the config's nor in its range of marks.
    ``orders`` are, of the config's services that hash, the destinations in the order in which the kernel got them.
    ``routes`` lead to the reals that are given by address, None where there is none; ``default_routes`` to the rest.
    ``controllers`` are the process names of other programs that drive IPVS.
    ``descriptors`` is the hard limit of this process. ``daemon`` is the process that writes the journal, if any does.
    ``daemon_user`` is that process's user, or else whose the journal is; ``helper_user`` whose the socket of ExaBGP's
    helper is, None where there is none. ``status_error`` is why the status address cannot be had. ``synchronised`` is
    None where the clock does not say.
    """

    config: Config
    kernel: tuple[int, int]
    unavailable: str | None = None
    remedy: str = ""
    loaded: frozenset[str] = frozenset()
    loadable: frozenset[str] | None = None
    sysctls: Mapping[str, int] = {}
    may_ping: bool = True
    descriptors: int = 1 << 20
    services: tuple[ServiceId, ...] = ()
    orders: Mapping[ServiceId, tuple[RealId, ...]] = {}
    controllers: tuple[str, ...] = ()
    network: Network = Network()
    routes: Mapping[str, Route | None] = {}
    default_routes: tuple[Route, ...] = ()
    passages: tuple[Passage, ...] = ()
    daemon: int | None = None
    status_error: str = ""
    daemon_user: str = "root"
    helper_user: str | None = "root"
    control_group_is_there: bool = True
    disk: Disk
    files: tuple[ConfigFile, ...] = ()
    synchronised: bool | None = None
