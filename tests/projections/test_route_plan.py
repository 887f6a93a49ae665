"""Routes in the projections: what is wanted, what is announced, and what waits for a withdrawal."""

import msgspec
import pytest

from kglb.events import (
    Adopted,
    BalancerDecided,
    DaemonStopping,
    DriftFound,
    Event,
    OperationsApplied,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
)
from kglb.model import Announce, BgpConfig, Route, ServiceId, WithdrawRoute
from kglb.projections import Planned, Serving, State, plan, route_drift
from tests.projections.builders import VIP, WEB, added, applied, balancer, real_id, started

OTHER = ServiceId("tcp://10.9.9.9:80")
ROUTE = Route(prefix="192.168.100.10/32", hold_time=5.0)
WIDE = Route(prefix="192.168.100.0/24")


class Plane:
    """A state and what is to be done next."""

    def __init__(self) -> None:
        self.state = State()
        self.seq = 0

    def record(self, *events: Event) -> None:
        for event in events:
            self.seq += 1
            self.state.fold(self.seq, event)

    def plan(self, *holds: str) -> list[Planned]:
        plane = self.state.data_plane
        serving = Serving(is_banned=self.state.fleet.is_banned)
        return plan(plane.actual, plane.desired, plane.take_dirty(), serving, holds)

    def steps(self, *holds: str) -> list[str]:
        return [type(step.operation).__name__ for step in self.plan(*holds)]

    def apply(self) -> None:
        steps = self.plan()
        operations = tuple(step.operation for step in steps)
        self.record(OperationsApplied(operations=operations, causes=(1,) * len(operations), microseconds=1))


def configured(*more: object, engine: str = "exabgp") -> Event:
    web = balancer(WEB, 1, announce=Announce(min_alive=0.5))
    event = applied(web, *more)  # type: ignore[arg-type]
    bgp = BgpConfig(engine=engine)  # type: ignore[arg-type]
    return msgspec.structs.replace(event, config=msgspec.structs.replace(event.config, bgp=bgp))


@pytest.fixture
def plane() -> Plane:
    """A service with its VIP and its route, all in place."""
    one = Plane()
    one.record(started(), configured(), added(WEB, 0, healthy=True))
    one.record(RoutesDecided(announce=(ROUTE,)))
    one.apply()
    return one


def decided(weight: int) -> Event:
    return BalancerDecided(
        service=WEB, balancer="web", mode="available", alive=1, total=1, weights={real_id(0): weight}, seen=1
    )


def test_a_route_is_announced_after_what_it_leads_to_is_there() -> None:
    plane = Plane()
    plane.record(started(), configured(), added(WEB, 0, healthy=True), RoutesDecided(announce=(ROUTE,)))
    assert plane.steps() == ["AddService", "AddDestination", "AddAddress", "AnnounceRoute"]


def test_a_changed_attribute_is_announced_again(plane: Plane) -> None:
    plane.record(RoutesDecided(announce=(msgspec.structs.replace(ROUTE, med=7),)))
    assert plane.steps() == ["AnnounceRoute"]


def test_f12_a_route_is_withdrawn_first_and_what_it_leads_to_waits(plane: Plane) -> None:
    other = applied(balancer(OTHER, 1, address=None))
    plane.record(other)
    steps = plane.plan()
    assert [(type(step.operation).__name__, step.waits_for) for step in steps] == [
        ("WithdrawRoute", ""),
        ("AddService", ""),
        ("DeleteService", ROUTE.prefix),
        ("DeleteAddress", ROUTE.prefix),
    ]


def test_a_withdrawn_route_is_waited_for_while_it_is_held_and_no_longer(plane: Plane) -> None:
    plane.record(DaemonStopping(reason="test", on_stop="cleanup"), RouteWithdrawn(route=ROUTE))
    assert {step.waits_for for step in plane.plan(ROUTE.prefix)} == {ROUTE.prefix}
    plane.state.data_plane.mark_everything(1)
    assert {step.waits_for for step in plane.plan()} == {""}


def test_a_wider_route_is_waited_for_too(plane: Plane) -> None:
    plane.record(DaemonStopping(reason="test", on_stop="cleanup"), RouteWithdrawn(route=ROUTE))
    assert {step.waits_for for step in plane.plan(WIDE.prefix)} == {WIDE.prefix}


def test_a_service_beside_a_route_that_stays_is_deleted_at_once(plane: Plane) -> None:
    web443 = ServiceId("tcp://192.168.100.10:443")
    plane.record(configured(balancer(web443, 1, address=VIP)))
    plane.apply()
    plane.record(configured())
    assert [(type(step.operation).__name__, step.waits_for) for step in plane.plan()] == [("DeleteService", "")]


def test_a_weight_waits_for_no_route(plane: Plane) -> None:
    plane.record(RoutesDecided(withdraw=(ROUTE.prefix,)), decided(7))
    assert {step.waits_for for step in plane.plan()} == {""}


def test_a_config_without_the_route_or_without_an_engine_wants_it_no_more(plane: Plane) -> None:
    plane.record(configured(engine="none"))
    assert plane.state.data_plane.desired.routes == {}
    assert plane.steps() == ["WithdrawRoute"]


def test_what_the_engine_announced_already_is_adopted(plane: Plane) -> None:
    plane.record(started(), Adopted(entries=(), addresses=(), foreign=0, routes=(ROUTE, WIDE)))
    assert set(plane.state.data_plane.actual.routes) == {ROUTE.prefix, WIDE.prefix}
    assert [step.operation for step in plane.plan() if isinstance(step.operation, WithdrawRoute)] == [
        WithdrawRoute(WIDE)
    ]


def test_a_route_that_the_engine_lost_is_announced_again(plane: Plane) -> None:
    drift = route_drift(plane.state.data_plane.actual, ())
    assert drift == (WithdrawRoute(ROUTE),)
    plane.record(DriftFound(changes=drift))
    assert plane.steps() == ["AnnounceRoute"]


def test_a_checkpoint_keeps_the_routes(plane: Plane) -> None:
    plane.record(RouteAnnounced(route=WIDE))
    stored = b"".join(plane.state.checkpoint())
    assert State.from_checkpoint(9, stored).data_plane.actual.routes == {ROUTE.prefix: ROUTE, WIDE.prefix: WIDE}
