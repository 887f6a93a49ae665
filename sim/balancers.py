"""Balancers as configs have them, and what they and their reals are called.

Hosts are ``10.0.0.N``, four to a rack; a balancer uses some of them, each on the balancer's own port. Some are named.
Some services are TCP, some UDP; some are checked by a program, which may say each real's weight.
"""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Literal

from msgspec.structs import replace

from kglb.model import (
    Address,
    Balancer,
    Check,
    DnsCheck,
    Endpoint,
    ExecCheck,
    Forward,
    HttpCheck,
    Member,
    Pool,
    Real,
    RealId,
    Service,
    ServiceId,
    TcpCheck,
    UdpCheck,
    WhenAllDown,
    WhenDown,
)
from kglb.model.config import Announce
from kglb.model.endpoint import split_host_port

RACK = 4
FIRST_PORT = 8000

WHEN_ALL_DOWN: tuple[WhenAllDown, ...] = ("fail_open", "fail_open", "fail_closed")
WHEN_DOWN: tuple[WhenDown, ...] = ("quiesce", "quiesce", "remove")
BELOW = (0.0, 0.0, 0.3, 0.6)
"""Shares of primaries that are up below which all get traffic."""

LINES = ((0.0, 0.0), (0.0, 0.7), (0.5, 0.0), (0.5, 1.0))
"""Shares of primaries that are up from which on a route stays, and with which one comes."""

DRAIN = (0.0, 0.0, 5.0, 20.0)
"""Seconds that a real which leaves the config may keep its connections."""


MAX_LOSS = (0.5, 0.5, 0.25, 1.0)
"""Shares of a pool's members that are up, which one answer may take away."""

SLOW_STARTS = (0.0, 9.0, 0.0, 45.0)
"""Seconds over which a real that comes back gets its weight, by the balancer's number."""


def host(number: int) -> str:
    """The address of a host."""
    return f"10.0.{number // 200}.{number % 200 + 1}"


def name(number: int) -> str:
    """The name by which some configs know a host."""
    return f"real-{number}.example"


def source(kind: str, number: int) -> str:
    """What the world knows the source of a balancer's pool by: a name, or the path of a file."""
    return f"pool-{number}.example" if kind == "dns" else f"/pools/{FIRST_PORT + number}.json"


def source_of(pool: Pool) -> str:
    """The same of a pool of a config."""
    return split_host_port(pool.place)[0] if pool.kind == "dns" else pool.place


def port_of(pool: Pool) -> int:
    """The port on which a pool's members are; a file says it, and its name does here."""
    return split_host_port(pool.place)[1] if pool.kind == "dns" else port_in(pool.place)


def port_in(path: str) -> int:
    """The port of the targets in a file."""
    return int(path.removeprefix("/pools/").removesuffix(".json"))


def new_pool(random: Random, number: int) -> Pool:
    """A pool of any kind for a balancer."""
    kind: Literal["dns", "file"] = random.choice(("dns", "file"))
    place = source(kind, number)
    return Pool(
        kind=kind,
        place=f"{place}:{FIRST_PORT + number}" if kind == "dns" else place,
        weight=random.choice((10, 100)),
        forward=Forward(random.choice(("masquerade", "direct"))),
        max_loss=random.choice(MAX_LOSS),
    )


def vip(number: int) -> str:
    """The address of a balancer."""
    return f"198.18.{number // 200}.{number % 200 + 1}"


def is_ours(id: ServiceId) -> bool:
    """Whether a service is one that some config may have, or one of a mark that is ours."""
    return id.startswith(("tcp://198.18.", "udp://198.18.", "fwmark://1"))


def new_balancer(random: Random, number: int, reals: tuple[Real, ...], interval: float) -> Balancer:
    """A balancer of any kind; ``interval`` is that between its checks in seconds, 0 for any."""
    kind = random.choice(("tcp", "tcp", "tcp", "udp", "program"))
    protocol = "udp" if kind == "udp" else "tcp"
    policy = random.choice(WHEN_ALL_DOWN)
    return Balancer(
        name=f"web-{number}",
        service=Service(id=ServiceId(f"{protocol}://{vip(number)}:80"), scheduler="wrr"),
        reals=role(random, reals),
        check=_check(random, kind, interval),
        when_all_down=policy,
        fail_open_below=random.choice(BELOW) if policy == "fail_open" else 0.0,
        when_down=random.choice(WHEN_DOWN),
        drain_on_remove=random.choice(DRAIN),
        slow_start=SLOW_STARTS[number % len(SLOW_STARTS)],
        resolve_interval=random.choice((5.0, 15.0)),
        address=Address(f"{vip(number)}/32", "lo"),
        announce=_announce(random) if random.random() < 0.5 else None,
        fwmark_checks=kind == "tcp" and random.random() < 0.2,
    )


def _announce(random: Random) -> Announce:
    stays, comes = random.choice(LINES)
    return Announce(min_alive=stays, min_alive_to_announce=comes, hold_time=2.0)


def _check(random: Random, kind: str, interval: float) -> Check:
    check: Check
    if kind == "udp":
        check = random.choice((UdpCheck(send=b"?"), DnsCheck(query="health.example")))
    elif kind == "program":
        check = ExecCheck(command=("/usr/local/bin/check",), dynamic_weight=random.random() < 0.7)
    else:
        check = TcpCheck(watch=random.random() < 0.3)
    return replace(
        check,
        interval=interval or random.choice((1.0, 2.0, 5.0)),
        timeout=random.choice((1.0, 2.0)),
        rise=random.randint(1, 3),
        fall=random.randint(1, 3),
        fast_interval=random.choice((0.0, 0.5)),
    )


def role(random: Random, reals: tuple[Real, ...]) -> tuple[Real, ...]:
    """The same reals, of which one or two may be backups; never all of them."""
    backups = random.choice((0, 0, 0, 1, 2))
    primaries = max(1, len(reals) - backups)
    return (*reals[:primaries], *(replace(real, backup=True) for real in reals[primaries:]))


def has_primary(reals: Iterable[Real]) -> bool:
    """Whether not all of them are backups."""
    return any(not real.backup for real in reals)


def by_real(balancer: Balancer, addresses: Mapping[str, Sequence[str]]) -> dict[RealId, Real]:
    """The reals that a balancer's entries and pools stand for, by what names and files say now; the first counts."""
    found: dict[RealId, Real] = {}
    for entry in balancer.reals:
        called, port = split_host_port(entry.host)
        address = addresses[called][0] if called in addresses else called
        found.setdefault(Endpoint(address, port).id, entry)
    for pool in balancer.pools:
        for address in addresses[source_of(pool)]:
            real = Endpoint(address, port_of(pool)).id
            found.setdefault(real, pool.entry(Member(real)))
    return found


def another_question(check: Check, number: int) -> Check:
    """The same check, asking something else."""
    match check:
        case DnsCheck():
            return replace(check, query=f"health-{number}.example")
        case UdpCheck():
            return replace(check, send=b"%d" % number)
        case ExecCheck():
            return replace(check, command=("/usr/local/bin/check", str(number)))
        case _:
            return HttpCheck(
                interval=check.interval,
                timeout=check.timeout,
                rise=check.rise,
                fall=check.fall,
                path=f"/health/{number}",
            )


def says_weights(balancer: Balancer) -> bool:
    """Whether its reals say their weights themselves."""
    return isinstance(balancer.check, ExecCheck) and balancer.check.dynamic_weight
