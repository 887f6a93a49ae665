import asyncio

import pytest

from kglb.events import Event, HealthChanged, ProbeFlipped, WarmthChanged
from kglb.model import AddDestination, AddService, Destination, Service, ServiceId
from kglb.projections import State
from kglb.web.state_hash import BITS, state_hash
from tests.projections.builders import DNS, WEB, added, applied, balancer, real_id, started
from tests.web.builders import Fleet, web_fleet


def number(state: State) -> int:
    return asyncio.run(state_hash(state))


def fleet_of(*events: Event) -> Fleet:
    fleet = Fleet()
    for event in (started(), *events):
        fleet.record(event)
    return fleet


def down(service: ServiceId, real: int) -> HealthChanged:
    return HealthChanged(service=service, real=real_id(real), healthy=False, streak=-2, run=0)


def test_it_is_exact_in_a_double() -> None:
    found = number(web_fleet(300).state)
    assert 0 < found < 1 << BITS
    assert int(float(found)) == found


def test_two_directors_that_came_to_the_same_in_another_order_are_equal() -> None:
    config = applied(balancer(WEB, 2), balancer(DNS, 2, name="dns"))
    one = fleet_of(config, added(WEB, 0), added(WEB, 1), added(DNS, 0), added(DNS, 1))
    other = fleet_of(
        applied(*reversed(config.config.balancers)), added(DNS, 1), added(WEB, 1), added(DNS, 0), added(WEB, 0)
    )
    assert number(one.state) == number(other.state)


@pytest.mark.parametrize(("scheduler", "tells"), [("mh", True), ("sh", True), ("dh", True), ("wrr", False)])
def test_where_the_scheduler_hashes_the_order_in_which_the_kernel_got_its_reals_is_in_it(
    scheduler: str, tells: bool
) -> None:
    def director(*order: int) -> Fleet:
        fleet = fleet_of(applied(balancer(WEB, 2, scheduler=scheduler)), added(WEB, 0), added(WEB, 1))
        fleet.apply(AddService(Service(id=WEB, scheduler=scheduler)))
        fleet.apply(*(AddDestination(WEB, Destination(real=real_id(number), weight=1)) for number in order))
        return fleet

    assert number(director(0, 1).state) == number(director(0, 1).state)
    assert (number(director(0, 1).state) != number(director(1, 0).state)) == tells


def test_how_often_and_why_probes_failed_is_not_in_it() -> None:
    fleet = web_fleet(2)
    before = number(fleet.state)
    flipped = ProbeFlipped(
        service=WEB, real=real_id(0), outcome="failure", reason="refused", latency=0.1, previous_count=7
    )
    fleet.record(flipped)
    assert number(fleet.state) == before


def test_how_far_a_slow_start_has_come_is_not_in_it() -> None:
    fleet = web_fleet(2)
    before = number(fleet.state)
    for tenths in (1, 2, 10):
        fleet.record(WarmthChanged(service=WEB, tenths={real_id(0): tenths}, causes={}))
        fleet.decide(WEB, "available", {real_id(0): 100 * tenths})
        assert number(fleet.state) == before, "another director's began a moment earlier, or it started afresh"


def test_health_mode_and_weight_each_change_it() -> None:
    fleet = web_fleet(2)
    seen = [number(fleet.state)]
    fleet.record(down(WEB, 0))
    seen.append(number(fleet.state))
    fleet.decide(WEB, "available", {real_id(0): 0})
    seen.append(number(fleet.state))
    fleet.decide(WEB, "failsafe", {})
    seen.append(number(fleet.state))
    assert len(set(seen)) == 4


def test_which_of_two_reals_is_down_matters() -> None:
    first, second = web_fleet(2), web_fleet(2)
    first.record(down(WEB, 0))
    second.record(down(WEB, 1))
    assert number(first.state) != number(second.state)
