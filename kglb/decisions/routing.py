"""Which routes may be announced? A balancer allows its route while it can serve it, else it prohibits it.

    allowed      mode is neither initial nor shutdown, alive ratio > 0 and >= the line
    prohibited   else

The line is ``min_alive`` while the route is announced, as decided last, and ``min_alive_to_announce`` while it is not:
a ratio that wavers around either makes no route come and go. Of balancers that share a route each has two lines of its
own, and which of them counts follows from the route, for all alike.

The alive ratio is that of the primaries. It is 1 in failsafe, so a dead pool stays announced, and while backups serve
in its place; under fail_closed it is 0. Balancers may share a route: who prohibits it wins over who allows it, and a
prohibited prefix blocks every prefix within it. (KgLb's servicer.go; CONFORMANCE section E.)

One case is new, since KgLb cannot reload: a balancer that joins an announced route and has never had a real up neither
allows nor prohibits it, so that adding port 443 takes no traffic away from port 80.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from kglb.decisions.balancing import Balancing
from kglb.events import SERVED_BY_OTHERS, Mode
from kglb.model import Config, Prefixes, Route, ServiceId


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A balancer with a route, its mode and counts as it last decided (None: not yet), and the ratios it asks for."""

    route: Route
    min_alive: float
    min_alive_to_announce: float = 0.0
    mode: Mode | None
    alive: int
    total: int

    def line(self, announced: Collection[str]) -> float:
        """The ratio that it takes now; ``announced`` are the prefixes that are, as decided before."""
        if self.route.prefix in announced:
            return self.min_alive
        return max(self.min_alive, self.min_alive_to_announce)


def candidate_of(balancer: Balancing) -> Candidate | None:
    """The route that a balancer has a say about; None if it has no route."""
    route, announce = balancer.config.route, balancer.config.announce
    if route is None or announce is None:
        return None
    return Candidate(
        route=route,
        min_alive=announce.min_alive,
        min_alive_to_announce=announce.min_alive_to_announce,
        mode=balancer.mode,
        alive=balancer.decided_alive,
        total=balancer.decided_total,
    )


def candidates_of(config: Config | None, balancers: Mapping[ServiceId, Balancing]) -> dict[ServiceId, Candidate]:
    """All routes that may be announced under this config, by balancer; none if nobody announces."""
    if config is None or config.bgp.engine == "none":
        return {}
    every = ((service, candidate_of(balancer)) for service, balancer in balancers.items())
    return {service: candidate for service, candidate in every if candidate is not None}


def may_announce(candidate: Candidate, announced: Collection[str]) -> bool:
    """Whether the balancer allows its route; ``announced`` are the prefixes that are, as decided before."""
    if candidate.mode in (None, "initial", "shutdown"):
        return False
    if candidate.mode in SERVED_BY_OTHERS:
        return True
    ratio = candidate.alive / candidate.total if candidate.total else 0.0
    return ratio > 0 and ratio >= candidate.line(announced)


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
        if may_announce(candidate, announced):
            allowed.append(candidate.route)
        elif candidate.mode not in (None, "initial") or candidate.route.prefix not in announced:
            prohibited.append(candidate.route)
    return routes(allowed, prohibited)


class RouteChanges(NamedTuple):
    """What is to be announced that was not (or otherwise), and which prefixes are not any more."""

    announce: tuple[Route, ...]
    withdraw: tuple[str, ...]


def route_changes(candidates: Iterable[Candidate], wanted: Mapping[str, Route]) -> RouteChanges:
    """What leads from the routes that are ``wanted``, by prefix, to those that should be."""
    decided = {route.prefix: route for route in decide_routes(candidates, wanted)}
    return RouteChanges(
        announce=tuple(route for prefix, route in decided.items() if wanted.get(prefix) != route),
        withdraw=tuple(prefix for prefix in wanted if prefix not in decided),
    )
