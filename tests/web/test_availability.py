"""KgLb's availability and manager_state."""

from typing import get_args

from kglb.events import DaemonStopping, OperationFailed
from kglb.model import ChangeDestination
from kglb.web.availability import MachineState, availability_families
from kglb.web.refusals import Refusals
from kglb.web.vitals import Vitals
from tests.projections.builders import WEB, real_id
from tests.web.builders import WELL, Fleet, Reading, destination, read, vitals, web_fleet


def reading(fleet: Fleet, state: Vitals = WELL) -> Reading:
    refusals = Refusals()
    for event in fleet.events:
        refusals.note(event)
    return read(availability_families(fleet.state, refusals, state))


def state_of(found: Reading) -> set[str]:
    return {name for name in get_args(MachineState) if found.value("kglb_machine_state", state=name)}


def test_a_daemon_whose_decisions_are_in_force_is_available() -> None:
    found = reading(web_fleet(2))
    assert found.value("kglb_available") == 1
    assert state_of(found) == {"available"}


def test_it_is_not_before_the_machine_was_read() -> None:
    found = reading(Fleet(), vitals(started=False))
    assert found.value("kglb_available") == 0
    assert state_of(found) == {"starting"}


def test_a_refused_operation_makes_it_unavailable_until_it_is_done() -> None:
    fleet = web_fleet(1)
    fleet.decide(WEB, "available", {real_id(0): 0})
    change = ChangeDestination(WEB, destination(0, 0))
    fleet.record(OperationFailed(operation=change, errno=1, error="Operation not permitted"))
    assert state_of(reading(fleet)) == {"refused"}
    fleet.apply(change)
    assert state_of(reading(fleet)) == {"available"}


def test_a_daemon_that_stops_is_stopping() -> None:
    fleet = web_fleet(1)
    fleet.record(DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    assert state_of(reading(fleet)) == {"stopping"}
