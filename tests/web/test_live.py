"""What ``/state`` says of connections, streaks and routes, as its readers decode it."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from kglb.checks.counts import CheckCounts
from kglb.cli.narrator import StateNarrator
from kglb.dataplane.counters import DestinationCounters, ServiceCounters, Traffic
from kglb.events import ProbeFlipped, RouteAnnounced, RoutesDecided
from kglb.model import Announce, Route, ServiceId
from kglb.web.board import Board
from kglb.web.live import LiveState
from kglb.web.status import Status
from kglb.web.vitals import Vitals
from tests.projections.builders import WEB, applied, balancer, real_id, started
from tests.web.builders import WELL, Fleet, vitals, web_fleet

ROUTE = Route(prefix="192.168.100.10/32", next_hop="10.0.0.1")


async def counted(services: Iterable[ServiceId]) -> Sequence[ServiceCounters]:
    """Of the first real of each service alone."""
    first = DestinationCounters(real_id(0), 1000, 12, 30, Traffic())
    return [ServiceCounters(service, Traffic(), [first]) for service in services]


def live(fleet: Fleet, process: Vitals = WELL) -> LiveState:
    status = Status(fleet.state, lambda: process, counted)
    board = Board(fleet.state, status, StateNarrator(fleet.state), host="director")
    return msgspec.json.decode(asyncio.run(board.routes()["/state"]()).body, type=LiveState)  # type: ignore[arg-type]


def streak(answers: int, fleet: Fleet) -> int:
    """What is said of a real that has given so many answers since the start, failures if negative."""
    counts = CheckCounts(0.0)
    for _ in range(abs(answers)):
        counts.add("success" if answers > 0 else "failure", 1.0, 0.001)
    (service,) = live(fleet, vitals(checked={(WEB, real_id(0)): counts})).balancers
    return service.reals[0].streak


def test_connections_are_those_that_ipvs_counts() -> None:
    (service,) = live(web_fleet(2)).balancers
    assert [(real.active, real.inactive) for real in service.reals] == [(12, 30), (None, None)]


def test_a_streak_goes_on_where_the_last_record_of_it_ends() -> None:
    fleet = web_fleet(1)
    fleet.record(
        ProbeFlipped(
            service=WEB, real=real_id(0), outcome="success", reason="ok", detail="", latency=0.0, previous_count=0
        )
    )
    assert [streak(answers, fleet) for answers in (0, 9)] == [1, 9]
    assert streak(-9, fleet) == 1  # what is not believed yet


def test_a_route_is_there_before_it_is_announced() -> None:
    fleet = Fleet()
    fleet.record(started())
    fleet.record(applied(msgspec.structs.replace(balancer(WEB, 1), announce=Announce(next_hop="10.0.0.1"))))
    seen = []
    for event in (None, RoutesDecided(announce=(ROUTE,)), RouteAnnounced(route=ROUTE)):
        if event is not None:
            fleet.record(event)
        (route,) = live(fleet).routes
        seen.append((route.prefix, route.balancers, route.wanted, route.announced, route.in_step))
    assert seen == [
        (ROUTE.prefix, ("web",), False, False, True),
        (ROUTE.prefix, ("web",), True, False, False),
        (ROUTE.prefix, ("web",), True, True, True),
    ]
