import pytest

from kglb.events import DriftFound, OperationFailed, RealRemoved
from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Operation,
    Service,
)
from kglb.web.refusals import Refusals
from tests.projections.builders import DNS, VIP, WEB, added, applied, balancer, real_id
from tests.web.builders import Fleet, destination, web_fleet


def refused(operation: Operation, error: str = "No buffer space available") -> OperationFailed:
    return OperationFailed(operation=operation, errno=105, error=error)


def standing(fleet: Fleet) -> list[Operation]:
    refusals = Refusals()
    for event in fleet.events:
        refusals.note(event)
    return [failure.operation for failure in refusals.standing(fleet.state.data_plane)]


@pytest.fixture
def fleet() -> Fleet:
    """A balancer that has just decided a weight the machine does not have yet."""
    fleet = web_fleet(2)
    fleet.decide(WEB, "available", {real_id(0): 0, real_id(1): 500})
    return fleet


CHANGE = ChangeDestination(WEB, destination(0, 0))


def test_without_refusals_none_stands_however_much_is_yet_to_be_done(fleet: Fleet) -> None:
    assert standing(fleet) == []


def test_a_refusal_stands_until_the_operation_succeeds(fleet: Fleet) -> None:
    fleet.record(refused(CHANGE))
    assert standing(fleet) == [CHANGE]
    fleet.apply(CHANGE)
    assert standing(fleet) == []


def test_success_elsewhere_in_the_service_does_not_end_it(fleet: Fleet) -> None:
    fleet.record(refused(CHANGE))
    fleet.apply(ChangeDestination(WEB, destination(1, 500)))
    assert standing(fleet) == [CHANGE]


def test_of_several_refusals_of_the_same_thing_the_last_stands(fleet: Fleet) -> None:
    fleet.record(refused(CHANGE))
    last = ChangeDestination(WEB, destination(0, 7))
    fleet.record(refused(last))
    assert standing(fleet) == [last]


def test_a_refusal_is_over_when_somebody_else_did_it(fleet: Fleet) -> None:
    fleet.record(refused(CHANGE))
    fleet.record(DriftFound(changes=(CHANGE,)))
    assert standing(fleet) == []


def test_a_refusal_that_is_over_does_not_come_back(fleet: Fleet) -> None:
    refusals = Refusals()
    refusals.note(refused(CHANGE))
    fleet.decide(WEB, "available", {real_id(0): 1000})
    assert refusals.standing(fleet.state.data_plane) == []
    fleet.decide(WEB, "available", {real_id(0): 3})
    assert refusals.standing(fleet.state.data_plane) == []


def test_a_refusal_is_over_when_it_is_no_longer_wanted(fleet: Fleet) -> None:
    fleet.record(refused(CHANGE))
    fleet.decide(WEB, "available", {real_id(0): 1000})
    assert standing(fleet) == []


@pytest.mark.parametrize(
    "operation",
    [
        AddService(Service(id=DNS, scheduler="rr")),
        AddDestination(DNS, destination(0, 0)),
        AddAddress(VIP),
        ChangeService(Service(id=WEB, scheduler="wlc")),
        DeleteDestination(WEB, real_id(1)),
    ],
)
def test_every_kind_of_operation_stands_until_it_succeeds(operation: Operation) -> None:
    fleet = web_fleet(2)
    fleet.record(
        applied(
            balancer(WEB, 1, scheduler="wlc", address=VIP),
            balancer(DNS, 1, name="dns", scheduler="rr", address=None),
        )
    )
    fleet.record(added(DNS, 0))
    fleet.record(RealRemoved(service=WEB, real=real_id(1), host=real_id(1)))
    fleet.record(refused(operation))
    assert standing(fleet) == [operation]
    fleet.apply(operation)
    assert standing(fleet) == []


def test_the_removal_of_a_service_and_of_its_address_stand_until_they_succeed() -> None:
    fleet = web_fleet(1)
    fleet.apply(AddAddress(VIP))
    fleet.record(applied())
    removals = (DeleteService(WEB), DeleteAddress(VIP))
    for removal in removals:
        fleet.record(refused(removal))
    assert standing(fleet) == list(removals)
    fleet.apply(*removals)
    assert standing(fleet) == []
