"""Which routes may be announced? A balancer allows its route while it can serve it, else it prohibits it.

    allowed      mode is neither initial nor shutdown, alive ratio > 0 and >= min_alive
    prohibited   else

The alive ratio is 1 in failsafe, so a dead pool stays announced; under fail_closed it is 0. Balancers may share a
route: who prohibits it wins over who allows it, and a prohibited prefix blocks every prefix within it. (KgLb's
servicer.go; CONFORMANCE section E.)

One case is ours, since KgLb cannot reload: a balancer that joins a route that is announced already and has never had a
real up says nothing, so that adding port 443 takes no traffic away from port 80.
"""

from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec

from kglb.events import Mode
from kglb.model import Balancer, Prefixes, Route


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A balancer with a route, its mode and counts as it last decided (None: not yet), and the ratio it asks for."""

    route: Route
    min_alive: float
    mode: Mode | None
    alive: int
    total: int


class Decided(Protocol):
    """A balancer with what it last decided."""

    config: Balancer
    mode: Mode | None
    decided_alive: int
    decided_total: int


def candidate_of(balancer: Decided) -> Candidate | None:
    """What a balancer has to say about its route; None if it has none."""
    route, announce = balancer.config.route, balancer.config.announce
    if route is None or announce is None:
        return None
    return Candidate(
        route=route,
        min_alive=announce.min_alive,
        mode=balancer.mode,
        alive=balancer.decided_alive,
        total=balancer.decided_total,
    )


def may_announce(candidate: Candidate) -> bool:
    """Whether the balancer allows its route."""
    if candidate.mode in (None, "initial", "shutdown"):
        return False
    ratio = 1.0 if candidate.mode == "failsafe" else candidate.alive / candidate.total if candidate.total else 0.0
    return ratio > 0 and ratio >= candidate.min_alive


def routes(allowed: Iterable[Route], prohibited: Iterable[Route]) -> tuple[Route, ...]:
    """The allowed routes in their order, each prefix once, without those within a prohibited prefix."""
    blocked = Prefixes(route.prefix for route in prohibited)
    kept: dict[str, Route] = {}
    for route in allowed:
        if route.prefix not in kept and not blocked.covering(route.prefix):
            kept[route.prefix] = route
    return tuple(kept.values())


def decide_routes(candidates: Iterable[Candidate], announced: Collection[str]) -> tuple[Route, ...]:
    """The routes to announce; ``announced`` are the prefixes that are, as decided before."""
    allowed: list[Route] = []
    prohibited: list[Route] = []
    for candidate in candidates:
        if may_announce(candidate):
            allowed.append(candidate.route)
        elif candidate.mode not in (None, "initial") or candidate.route.prefix not in announced:
            prohibited.append(candidate.route)
    return routes(allowed, prohibited)
