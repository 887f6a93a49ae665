"""Why a service has its mode, and why an address or a route is there or not."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from kglb.events import (
    Adopted,
    BalancerDecided,
    DaemonStopping,
    DriftFound,
    OperationFailed,
    RealDrained,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
)
from kglb.model import AddAddress, Announce, AnnounceRoute, BgpConfig, ChangeService, DeleteAddress, Route
from kglb.replay.errors import AmbiguousSubjectError, Kind, UnknownSubjectError
from kglb.replay.explain import explain
from kglb.replay.source import Source
from tests.projections.builders import VIP, WEB, applied, real_id
from tests.replay.journals import Fleet, running

ADDRESS = "192.168.100.10"
PREFIX = "192.168.100.10/32"


def why(fleet: Fleet, wanted: str, *, seq: int | None = None, kind: Kind | None = None) -> Any:
    return explain(Source(fleet.builder.directory), wanted, seq=seq or fleet.builder.seq, kind=kind)


def answer(fleet: Fleet, wanted: str, **more: Any) -> str:
    found = why(fleet, wanted, **more)
    return f"{found.subject} {found.standing} because {found.reason}"


def go_down(fleet: Fleet, count: int) -> int:
    """That many of three are down now; the seq of the decision."""
    for number in range(count):
        health = fleet.judge(real_id(number), streak=-2, run=fleet.flip(real_id(number), "failure"))
    return fleet.decide("available", {}, health)


def all_go_down(fleet: Fleet, mode: Any = "failsafe") -> int:
    """The seq of the decision."""
    for number in range(3):
        health = fleet.judge(real_id(number), streak=-2, run=fleet.flip(real_id(number), "failure"))
    return fleet.decide(mode, {}, health)


# --- services -----------------------------------------------------------------------------------------------------


def test_a_service_is_available_since_the_first_real_came_up(fleet: Fleet) -> None:
    found = why(fleet, "web")
    assert answer(fleet, "web") == f"web ({WEB}) is in mode available because 3 of 3 reals are up"
    assert found.since.startswith("2026-11-22T14:30:01.010")
    assert (found.kernel, found.mode, found.alive) == ("", "available", 3)


def test_of_a_mode_that_goes_on_the_first_decision_counts(fleet: Fleet) -> None:
    began = all_go_down(fleet)
    fleet.builder.passes(hours=1)
    last = fleet.decide("failsafe", {}, fleet.flip(real_id(0), "failure", "timeout"))
    found = why(fleet, WEB)
    assert answer(fleet, WEB) == (
        f"web ({WEB}) is in mode failsafe because all 3 reals are down, and when_all_down is fail_open: "
        "each gets its weight all the same"
    )
    chain = [link.seq for link in found.chain]
    assert {began, last, fleet.config_seq} <= set(chain)
    assert found.since == next(link.at for link in found.chain if link.seq == began)
    assert sum(link.type == "HealthChanged" for link in found.chain) == 3
    assert sum(link.type == "ProbeFlipped" for link in found.chain) == 4


def test_each_mode_has_its_reason(tmp_path: Path) -> None:
    fleet = running(tmp_path)
    all_go_down(fleet, "unavailable")
    assert answer(fleet, "web").endswith("all 3 reals are down, and when_all_down is fail_closed: none gets traffic")
    fleet.decide("initial", {}, 1)
    assert answer(fleet, "web").endswith("none of its 3 reals has been up yet")
    fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    assert answer(fleet, "web").endswith("the daemon stopped and removed what it owned")
    assert why(fleet, "web").kernel == "the kernel still has it"
    assert answer(fleet, "web", seq=fleet.adopted_seq) == (
        f"web ({WEB}) has no mode yet because its balancer has not decided yet"
    )


def test_an_operator_who_drained_every_real_is_the_root(fleet: Fleet) -> None:
    for number in range(3):
        drained = RealDrained(service=WEB, real=real_id(number), who="alice", note="kernel upgrade")
        seq = fleet.builder.record(drained)
    assert answer(fleet, "web").endswith("0 of 0 reals are up, and 3 are drained or leaving")
    fleet.decide("no_upstreams", {}, seq)
    found = why(fleet, "web")
    assert answer(fleet, "web").endswith("is in mode no_upstreams because every real is drained or leaves")
    orders = [link for link in found.chain if link.type == "RealDrained"]
    assert len(orders) == 3
    assert all("alice" in link.text and "kernel upgrade" in link.text for link in orders)
    assert found.chain[0].because == (seq,)


def test_that_the_kernel_does_not_have_a_service_is_said_with_the_refusal(fleet: Fleet) -> None:
    actual = fleet.builder.state.data_plane.desired.services[WEB]
    other = replace(actual, scheduler="mh")
    fleet.builder.record(applied(replace(fleet.config, service=other)))
    refused = fleet.builder.record(
        OperationFailed(operation=ChangeService(other), errno=2, error="there is no scheduler mh")
    )
    found = why(fleet, "web")
    assert found.kernel == "the kernel has it with other settings"
    assert refused in [link.seq for link in found.chain]


# --- addresses ----------------------------------------------------------------------------------------------------


def test_an_address_is_there_for_a_balancer(fleet: Fleet) -> None:
    found = why(fleet, ADDRESS)
    assert answer(fleet, ADDRESS) == f"address {PREFIX} is on lo because it is the VIP of web"
    assert (found.balancers, found.wanted, found.in_kernel, found.ours) == (("web",), True, True, True)
    assert [link.type for link in found.chain] == ["OperationsApplied", "Adopted", "ConfigApplied"]
    assert found.chain[0].text.endswith(f"add address {VIP}")


def test_an_address_that_was_there_before_us_is_said_to_be_left(fleet: Fleet) -> None:
    fleet.builder.record(Adopted(entries=(), addresses=(), foreign_addresses=(VIP,), foreign=0))
    assert answer(fleet, ADDRESS).endswith("it is the VIP of web; it was there before us, and will be left there")


def test_an_address_that_is_not_there_has_what_happened_to_it(fleet: Fleet) -> None:
    drift = fleet.builder.record(DriftFound(changes=(DeleteAddress(VIP),)))
    assert answer(fleet, ADDRESS) == (
        f"address {PREFIX} is not on lo because somebody else removed it, and it is not back yet; it is the VIP of web"
    )
    assert why(fleet, ADDRESS).chain[0].seq == drift
    fleet.builder.record(OperationFailed(operation=AddAddress(VIP), errno=19, error="no such device"))
    assert "because putting it there failed: no such device" in answer(fleet, ADDRESS)
    assert answer(fleet, ADDRESS, seq=fleet.config_seq).endswith("it is not put there yet, though it is the VIP of web")


def test_an_address_that_cannot_be_put_there_is_missing_since_it_was_tried_first(fleet: Fleet) -> None:
    fleet.builder.record(DriftFound(changes=(DeleteAddress(VIP),)))
    failed = OperationFailed(operation=AddAddress(VIP), errno=19, error="no such device")
    first = fleet.builder.record(failed)
    fleet.builder.passes(hours=1)
    fleet.builder.record(failed, cause=first)
    found = why(fleet, ADDRESS)
    assert (found.since, found.chain[0].count) == (found.chain[0].first_at, 2)
    assert found.since < found.chain[0].at


def test_an_address_that_is_left_over_is_said_to_be(fleet: Fleet) -> None:
    fleet.builder.record(applied())
    assert answer(fleet, ADDRESS).endswith("is on lo because no balancer has it any more")
    fleet.builder.record(OperationFailed(operation=DeleteAddress(VIP), errno=1, error="not permitted"))
    assert answer(fleet, ADDRESS).endswith("is on lo because removing it failed: not permitted")


def test_after_a_stop_the_stop_is_the_reason(fleet: Fleet) -> None:
    stopping = fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    fleet.apply()
    assert answer(fleet, ADDRESS) == (
        f"address {PREFIX} is not on lo because the daemon stopped and removed what it owned"
    )
    assert stopping in [link.seq for link in why(fleet, ADDRESS).chain]


# --- routes -------------------------------------------------------------------------------------------------------


def routes_of(directory: Path, announce: Announce) -> tuple[Fleet, Route]:
    """A balancer of three reals, all up, whose route may be announced so."""
    fleet = running(directory, announce=announce)
    route = fleet.config.route
    assert route is not None
    event = applied(fleet.config)
    fleet.builder.record(replace(event, config=replace(event.config, bgp=BgpConfig(engine="exabgp"))))
    return fleet, route


@pytest.fixture
def routed(tmp_path: Path) -> tuple[Fleet, Route]:
    """A balancer that is announced while half of its reals are up."""
    return routes_of(tmp_path / "routed", Announce(min_alive=0.5))


def announce(fleet: Fleet, route: Route) -> int:
    decided = fleet.builder.record(RoutesDecided(announce=(route,)), cause=fleet.builder.seq)
    return fleet.builder.record(RouteAnnounced(route=route), cause=decided)


def test_a_route_is_announced_as_its_balancer_allows_it(routed: tuple[Fleet, Route]) -> None:
    fleet, route = routed
    announced = announce(fleet, route)
    found = why(fleet, PREFIX)
    assert answer(fleet, PREFIX) == (
        f"route {PREFIX} is announced because web allows it, as 3 of 3 reals are up, and min_alive is 0.5"
    )
    assert [link.seq for link in found.chain][:2] == [announced, announced - 1]
    assert (found.balancers, found.wanted, found.announced) == (("web",), True, True)


def test_a_route_says_which_of_its_two_lines_keeps_it_or_holds_it_back(tmp_path: Path) -> None:
    fleet, route = routes_of(tmp_path, Announce(min_alive=0.5, min_alive_to_announce=0.9))
    announce(fleet, route)
    go_down(fleet, 1)
    assert answer(fleet, PREFIX) == (
        f"route {PREFIX} is announced because web allows it, as 2 of 3 reals are up, and min_alive is 0.5"
    )
    withdrawn = fleet.builder.record(RoutesDecided(withdraw=(PREFIX,)), cause=go_down(fleet, 2))
    fleet.builder.record(RouteWithdrawn(route=route), cause=withdrawn)
    health = fleet.judge(real_id(0), streak=2, run=fleet.flip(real_id(0), "success"))
    fleet.decide("available", {}, health)
    assert answer(fleet, PREFIX) == (
        f"route {PREFIX} is not announced because web prohibits it, as 2 of 3 reals are up, and while it is not "
        "announced, min_alive_to_announce is 0.9"
    )


def test_an_address_without_its_prefix_is_not_the_route(routed: tuple[Fleet, Route]) -> None:
    fleet, _ = routed
    assert why(fleet, ADDRESS).subject == f"address {PREFIX}"
    assert why(fleet, PREFIX).subject == f"route {PREFIX}"
    assert why(fleet, PREFIX, kind="address").subject == f"address {PREFIX}"


def test_a_route_that_is_prohibited_says_by_whom_and_leads_to_the_probes(routed: tuple[Fleet, Route]) -> None:
    fleet, route = routed
    announce(fleet, route)
    decided = all_go_down(fleet, "unavailable")
    withdrawn = fleet.builder.record(RoutesDecided(withdraw=(PREFIX,)), cause=decided)
    assert answer(fleet, PREFIX).endswith(
        "is announced because ExaBGP has not acknowledged its withdrawal yet, though it is not to be announced"
    )
    fleet.builder.record(RouteWithdrawn(route=route), cause=withdrawn)
    found = why(fleet, PREFIX)
    assert answer(fleet, PREFIX) == (
        f"route {PREFIX} is not announced because web prohibits it, as all 3 reals are down, and when_all_down is "
        "fail_closed: none gets traffic"
    )
    assert {"RouteWithdrawn", "RoutesDecided", "BalancerDecided", "HealthChanged"} <= {
        link.type for link in found.chain
    }


def test_a_route_that_the_engine_refuses_says_so(routed: tuple[Fleet, Route]) -> None:
    fleet, route = routed
    fleet.builder.record(RoutesDecided(announce=(route,)))
    assert "because ExaBGP has not acknowledged it yet, though web allows it" in answer(fleet, PREFIX)
    fleet.builder.record(OperationFailed(operation=AnnounceRoute(route), errno=111, error="no answer"))
    assert "because ExaBGP has not acknowledged it yet: ExaBGP refused: no answer, though" in answer(fleet, PREFIX)


def test_without_an_engine_nothing_is_announced(tmp_path: Path) -> None:
    fleet = running(tmp_path, announce=Announce(min_alive=0.5))
    assert answer(fleet, PREFIX).endswith('is not announced because bgp.engine is "none": no route is announced')


# --- which is meant -----------------------------------------------------------------------------------------------


def test_what_is_a_real_and_an_address_must_be_said(tmp_path: Path) -> None:
    fleet = running(tmp_path, address=replace(VIP, address="10.0.0.1/32"))
    with pytest.raises(AmbiguousSubjectError, match=r"10\.0\.0\.1 is an address and a real"):
        why(fleet, "10.0.0.1")
    assert why(fleet, "10.0.0.1", kind="real").subject == "10.0.0.1:80 in web"
    assert why(fleet, "10.0.0.1", kind="address").subject == "address 10.0.0.1/32"


def test_a_service_is_found_by_its_address_and_port(fleet: Fleet) -> None:
    assert why(fleet, "192.168.100.10:80").subject == f"web ({WEB})"


def test_what_is_not_there_has_a_hint(fleet: Fleet) -> None:
    with pytest.raises(UnknownSubjectError, match=r"there is no service wep: did you mean web\?"):
        why(fleet, "wep", kind="service")


def test_causes_beyond_the_first_few_are_counted(tmp_path: Path) -> None:
    fleet = running(tmp_path, reals=20)
    fallen = {real_id(n): fleet.judge(real_id(n), streak=-2, run=fleet.flip(real_id(n), "failure")) for n in range(20)}
    decided = BalancerDecided(
        service=WEB,
        balancer="web",
        mode="unavailable",
        alive=0,
        total=20,
        weights=dict.fromkeys(fallen, 0),
        causes=fallen,
        seen=fleet.builder.seq,
    )
    fleet.builder.record(decided)
    found = why(fleet, "web")
    assert found.chain[0].text.endswith(" (and 12 more causes)")
    assert len(found.chain[0].because) == 8
    assert len(found.chain) < 20
