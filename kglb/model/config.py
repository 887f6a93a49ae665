"""The validated configuration. Durations are seconds as float, addresses canonical, secrets only references.

``kglb.config`` makes these from TOML; nothing else constructs them in production. The whole tree is what
``ConfigApplied`` carries, so it never holds a secret's value: a ``SecretRef`` says where the value is found.
"""

from typing import Literal, TypeVar

import msgspec

from kglb.model.endpoint import RealId
from kglb.model.route import Route
from kglb.model.service import Address, Forward, Service, ServiceId

WhenAllDown = Literal["fail_open", "fail_closed"]
WhenDown = Literal["quiesce", "remove"]
Transport = Literal["udp", "tcp"]
DnsRecord = Literal["A", "AAAA", "NS", "MX", "TXT", "SOA"]
HttpMethod = Literal["GET", "HEAD", "OPTIONS"]
"""Those that change nothing, and so may be asked again and again (RFC 9110, 9.2.1)."""

SyslogLevel = Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]
"""The severities of RFC 5424, 6.2.1, in their order, by the names of syslog(3)."""


class SecretRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a secret's value comes from: an environment variable, a file, or a place in the config file itself."""

    env: str = ""
    file: str = ""
    inline: str = ""

    def __str__(self) -> str:
        if self.env:
            return f"${self.env}"
        return f"file {self.file}" if self.file else f"secret in {self.inline}"


class _Check(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every health check has. ``timeout`` bounds the whole check; ``rise`` and ``fall`` count results.

    ``fast_interval`` is the interval while the real is in doubt. With ``watch``, which is for checks that connect by
    TCP, an idle connection is held to the real, and its loss is a reason to check at once.
    """

    interval: float = 5.0
    timeout: float = 5.0
    rise: int = 3
    fall: int = 2
    port: int = 0  # 0: the real's own
    source: str = ""  # "": the kernel chooses
    close: Literal["reset", "fin"] = "reset"  # how a TCP connection of the check ends
    fast_interval: float = 0.0  # 0: the interval
    watch: bool = False


class DummyCheck(_Check, frozen=True, kw_only=True, tag="dummy"):
    """Always passes (KgLb's dummy checker)."""


class TcpCheck(_Check, frozen=True, kw_only=True, tag="tcp"):
    """Passes when the connection is accepted, ``send`` is sent, and what is expected has come back, if anything is.

    With ``tls`` all of it is over TLS; ``sni`` "" asks for no name, ``verify`` and ``ca_file`` are as in ``HttpCheck``.
    """

    send: bytes = b""
    expect: bytes = b""
    expect_regex: str = ""
    tls: bool = False
    sni: str = ""
    verify: bool = False
    ca_file: str = ""


class HttpCheck(_Check, frozen=True, kw_only=True, tag="http"):
    """Passes when a request is answered with one of ``codes``, and with the expected body, if one is expected.

    ``proxy_check_url`` asks the real, as a proxy, for that URL. ``sni`` "" asks for the ``Host`` header's name.
    ``ca_file`` "" verifies, where ``verify`` says so, by what the system trusts.
    """

    method: HttpMethod = "GET"
    path: str = "/"
    codes: tuple[int, ...] = (200,)
    headers: dict[str, str | SecretRef] = {}
    body: str = ""
    body_regex: str = ""
    follow_redirects: bool = False
    proxy_check_url: str = ""
    tls: bool = False
    sni: str = ""
    verify: bool = False
    ca_file: str = ""


class DnsCheck(_Check, frozen=True, kw_only=True, tag="dns"):
    """Passes when a query is answered with ``rcode`` (RFC 1035, 4.1.1)."""

    query: str
    record: DnsRecord = "A"
    protocol: Transport = "udp"
    rcode: int = 0


class SyslogCheck(_Check, frozen=True, kw_only=True, tag="syslog"):
    """Passes when a message can be sent to a syslog daemon."""

    protocol: Transport = "udp"
    level: SyslogLevel = "info"


class UdpCheck(_Check, frozen=True, kw_only=True, tag="udp"):
    """Passes when ``send`` brings the expected datagram back; with nothing expected, when it brings no ICMP error."""

    send: bytes = b""
    expect: bytes = b""
    expect_regex: str = ""


class ExecCheck(_Check, frozen=True, kw_only=True, tag="exec"):
    """Passes when a program exits with status 0. ``command`` is an absolute path and arguments, ``user`` whom it runs
    as if the daemon is root.

    With ``dynamic_weight`` a status from 2 on passes too, and says the real's weight: two less.
    """

    command: tuple[str, ...]
    dynamic_weight: bool = False
    user: str = "nobody"


class PingCheck(_Check, frozen=True, kw_only=True, tag="ping"):
    """Passes when an ICMP echo request is answered."""


Question = TcpCheck | HttpCheck | DnsCheck | SyslogCheck | UdpCheck | ExecCheck | PingCheck


class AllCheck(_Check, frozen=True, kw_only=True, tag="all"):
    """Passes when each of ``checks`` does, asked one after the other; the first that fails says why.

    Of theirs only what they ask counts, and their ``port``; the rest is said of the whole, see ``question_of``.
    """

    checks: tuple[Question, ...]


Check = DummyCheck | Question | AllCheck

_T = TypeVar("_T", bound=_Check)


def question_of(check: _T) -> _T:
    """A check without when it is asked, and what is made of the answers: zeros, which no check has."""
    return msgspec.structs.replace(check, interval=0.0, timeout=0.0, rise=0, fall=0, fast_interval=0.0, watch=False)


def parts_of(check: Check) -> tuple[Check, ...]:
    """The checks of which a check consists, as they are asked: itself, or each of those that must all pass."""
    if not isinstance(check, AllCheck):
        return (check,)
    return tuple(
        msgspec.structs.replace(
            part,
            interval=check.interval,
            timeout=check.timeout,
            rise=check.rise,
            fall=check.fall,
            port=part.port or check.port,
            source=check.source,
            close=check.close,
            fast_interval=check.fast_interval,
        )
        for part in check.checks
    )


def asks_the_same(one: Check, other: Check) -> bool:
    """Whether two checks put the same question to a real, however often, and whatever the thresholds.

    Only then do results of the one count for the other.
    """
    return question_of(one) == question_of(other)


def type_of(check: Check) -> str:
    """The type of a check, as ``tcp``; ``https`` is ``http``."""
    return str(type(check).__struct_config__.tag)


def kind_of(check: Check) -> str:
    """The type of a check as the config names it, as ``https``."""
    return "https" if isinstance(check, HttpCheck) and check.tls else type_of(check)


def connects_by_tcp(check: Check) -> bool:
    """Whether a check makes TCP connections, so that one can be held to watch the real by."""
    match check:
        case TcpCheck() | HttpCheck():
            return True
        case DnsCheck(protocol=protocol) | SyslogCheck(protocol=protocol):
            return protocol == "tcp"
        case AllCheck(checks=checks):
            return any(map(connects_by_tcp, checks))
        case _:
            return False


def secrets_of(check: Check) -> frozenset[SecretRef]:
    """The secrets that a check uses."""
    asking = [part for part in parts_of(check) if isinstance(part, HttpCheck)]
    return frozenset(value for part in asking for value in part.headers.values() if isinstance(value, SecretRef))


def connects(check: Check) -> bool:
    """Whether a check speaks over TCP connections of its own alone: only such a one can be sent under a mark."""
    match check:
        case TcpCheck() | HttpCheck():
            return True
        case DnsCheck(protocol=protocol):
            return protocol == "tcp"
        case AllCheck(checks=checks):
            return all(map(connects, checks))
        case _:
            return False


def waits_for_silence(check: Check) -> bool:
    """Whether a check passes when nothing has come within the timeout, so that it takes all of it."""
    match check:
        case UdpCheck():
            return not (check.expect or check.expect_regex)
        case SyslogCheck(protocol=protocol):
            return protocol == "udp"
        case _:
            return False


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
