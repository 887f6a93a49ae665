"""The validated configuration. Durations are seconds as float, addresses canonical, secrets only references.

``kglb.config`` makes these from TOML; nothing else constructs them in production. The whole tree is what
``ConfigApplied`` carries, so it never holds a secret's value: a ``SecretRef`` says where the value is found.
"""

from typing import Literal

import msgspec

from kglb.model.check import Check
from kglb.model.endpoint import RealId
from kglb.model.route import Route
from kglb.model.service import Address, Forward, Service, ServiceId

WhenAllDown = Literal["fail_open", "fail_closed"]
WhenDown = Literal["quiesce", "remove"]


class Real(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A configured real server. ``host`` is ``address:port`` or ``name:port``, unique within its balancer.

    A ``backup`` serves only while no other real does; the others are primaries. Of a real that the config does not list
    itself, ``pool`` is the id of the pool that it is a member of.
    """

    host: str
    weight: int
    forward: Forward
    upper: int = 0
    lower: int = 0
    backup: bool = False
    pool: str = ""


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """A real that the source of a pool names, and the weight that it gives it; None leaves that to the pool."""

    real: RealId
    weight: int | None = None


class Pool(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Reals that the config does not list: those that ``place`` names, which is ``name:port`` of DNS or a file's path.

    Each is as a ``Real`` with these values. An answer that would take away more than the share ``max_loss``, 0 to 1, of
    those that are up takes nobody away.
    """

    kind: Literal["dns", "file"]
    place: str
    weight: int
    forward: Forward
    upper: int = 0
    lower: int = 0
    backup: bool = False
    max_loss: float = 0.5

    @property
    def id(self) -> str:
        """What it is called, unique within its balancer: ``dns web.example.com:80``, ``file /etc/kglb/web.json``."""
        return f"{self.kind} {self.place}"

    def entry(self, member: Member) -> Real:
        """A member as if the config listed it."""
        return Real(
            host=member.real,
            weight=self.weight if member.weight is None else member.weight,
            forward=self.forward,
            upper=self.upper,
            lower=self.lower,
            backup=self.backup,
            pool=self.id,
        )


class Announce(msgspec.Struct, frozen=True, kw_only=True):
    """When and how the route to the VIP is announced: while at least this share of the primaries is alive, 0 to 1.

    One that is not announced waits for the share ``min_alive_to_announce``, or for ``min_alive`` if that is more. What
    the route leads to is deleted no sooner than ``hold_time`` seconds after the route was withdrawn.
    """

    min_alive: float = 0.0
    min_alive_to_announce: float = 0.0
    hold_time: float = 5.0
    prefix: str = ""  # "": the VIP alone
    next_hop: str = "self"
    communities: tuple[str, ...] = ()
    med: int | None = None


class Balancer(msgspec.Struct, frozen=True, kw_only=True):
    """One virtual service with its reals and its check. ``concurrency`` 0 is unlimited.

    Besides the ``reals`` that it lists it has the members of its ``pools``.

    ``fail_open_below`` is the share of primaries, 0 to 1, below which those that are down are sent traffic, too.

    A real that is down has weight 0 (``when_down`` quiesce) or is not in the kernel at all (remove). One that leaves
    the config may keep its connections for ``drain_on_remove`` seconds.

    A real that comes back gets its weight step by step over ``slow_start`` seconds; 0 gives it all at once.

    With ``fwmark_checks`` the checks go to the VIP and reach each real as its clients' packets do.
    """

    name: str
    setup: str = ""
    service: Service
    reals: tuple[Real, ...]
    check: Check
    when_all_down: WhenAllDown = "fail_open"
    fail_open_below: float = 0.0
    when_down: WhenDown = "quiesce"
    drain_on_remove: float = 0.0
    slow_start: float = 0.0
    concurrency: int = 0
    resolve_interval: float = 30.0
    address: Address | None = None  # the VIP to keep on an interface; None for fwmark services
    announce: Announce | None = None
    fwmark_checks: bool = False
    pools: tuple[Pool, ...] = ()

    @property
    def id(self) -> ServiceId:
        """The service's id: a balancer's identity."""
        return self.service.id

    @property
    def awaits_verdicts(self) -> bool:
        """Whether it decides by which of its primaries have had a first verdict."""
        return self.fail_open_below > 0 or self.has_backups

    @property
    def forwards(self) -> tuple[Forward, ...]:
        """How packets reach its reals and the members of its pools, each way once."""
        ways = (*(real.forward for real in self.reals), *(pool.forward for pool in self.pools))
        return tuple(dict.fromkeys(ways))

    @property
    def has_backups(self) -> bool:
        """Whether any of its reals serves only in place of the others."""
        return any(real.backup for real in self.reals) or any(pool.backup for pool in self.pools)

    @property
    def route(self) -> Route | None:
        """The route that leads to it; None if it has none to announce."""
        announce = self.announce
        if announce is None:
            return None
        key = self.service.key
        return Route(
            prefix=announce.prefix or f"{key.address}/{128 if key.ipv6 else 32}",
            next_hop=announce.next_hop,
            communities=announce.communities,
            med=announce.med,
            hold_time=announce.hold_time,
        )


class JournalConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the journal is kept, and how much of it: bytes in all (0: no bound), age in seconds (0: no bound)."""

    directory: str = "/var/lib/kglb/journal"
    max_size: int = 1 << 30
    max_age: float = 0.0


class DataPlaneConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which machine is driven, and how. ``reconcile_interval`` in seconds.

    An empty ``vip_interface`` leaves addresses to others. ``fwmark_count`` marks from ``fwmark_base`` on are ours, if
    any balancer has ``fwmark_checks``.
    """

    kind: Literal["ipvs", "memory"] = "ipvs"
    vip_interface: str = "lo"
    reconcile_interval: float = 30.0
    on_stop: Literal["cleanup", "leave"] = "cleanup"
    fwmark_base: int = 10000
    fwmark_count: int = 5000


class StatusConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the page, the metrics and ``/healthz`` are served; an empty ``listen`` serves nothing. ``hosts`` are the
    names under which they may be asked for, besides this machine's own.
    """

    listen: str = "127.0.0.1:5678"
    hosts: tuple[str, ...] = ()


class ControlConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The Unix socket where orders are taken, empty for none, and the group that may give them besides the owner."""

    socket: str = "/run/kglb/control.sock"
    group: str = ""


class BgpConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Who announces routes, and the Unix socket where its helper is reached; ``none`` announces nothing."""

    engine: Literal["none", "exabgp"] = "none"
    socket: str = "/run/kglb/exabgp.sock"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration."""

    journal: JournalConfig = JournalConfig()
    data_plane: DataPlaneConfig = DataPlaneConfig()
    status: StatusConfig = StatusConfig()
    control: ControlConfig = ControlConfig()
    bgp: BgpConfig = BgpConfig()
    balancers: tuple[Balancer, ...] = ()

    @property
    def marks(self) -> range:
        """The firewall marks that are ours: none unless a balancer checks its reals through them."""
        if not any(balancer.fwmark_checks for balancer in self.balancers):
            return range(0)
        first = self.data_plane.fwmark_base
        return range(first, first + self.data_plane.fwmark_count)
