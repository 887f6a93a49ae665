from kglb.events import DaemonStopping, OperationFailed
from kglb.model import ChangeDestination
from kglb.web.health import complaints
from kglb.web.refusals import Refusals
from tests.projections.builders import WEB, real_id
from tests.web.builders import WELL, Fleet, destination, vitals, web_fleet


def refusing(count: int) -> tuple[Fleet, Refusals]:
    fleet = web_fleet(count)
    fleet.decide(WEB, "available", {real_id(number): 0 for number in range(count)})
    refusals = Refusals()
    for number in range(count):
        operation = ChangeDestination(WEB, destination(number, 0))
        refusals.note(OperationFailed(operation=operation, errno=1, error="Operation not permitted"))
    return fleet, refusals


def test_a_daemon_that_does_its_work_is_well() -> None:
    assert complaints(web_fleet().state, Refusals(), WELL) == []


def test_reals_that_are_down_are_no_fault_of_the_daemon() -> None:
    assert complaints(web_fleet(healthy=False).state, Refusals(), WELL) == []


def test_a_daemon_that_has_not_started_is_not_well() -> None:
    assert complaints(Fleet().state, Refusals(), vitals(started=False)) == [
        "not started yet: the machine has not been read"
    ]


def test_a_daemon_that_stops_is_not_well() -> None:
    fleet = web_fleet()
    fleet.record(DaemonStopping(reason="SIGTERM", on_stop="leave"))
    assert complaints(fleet.state, Refusals(), WELL) == ["stopping"]


def test_a_degraded_journal_says_why() -> None:
    degraded = vitals(journal_degraded="No space left on device")
    assert complaints(web_fleet().state, Refusals(), degraded) == ["the journal is degraded: No space left on device"]


def test_a_kernel_that_does_not_answer_and_probes_that_do_not_end_are_said() -> None:
    assert complaints(web_fleet().state, Refusals(), vitals(machine_silent=4.9)) == []
    stuck = vitals(machine_silent=61.2, probes_silent=7.0)
    assert complaints(web_fleet().state, Refusals(), stuck) == [
        "the kernel has not answered for 61 s: changes wait for it",
        "no probe has ended for 7 s though some should have",
    ]


def test_entries_that_somebody_else_fights_for_are_named_up_to_a_bound() -> None:
    contested = vitals(contested={f"{WEB} {real_id(number)}": 5 for number in range(25)})
    found = complaints(web_fleet().state, Refusals(), contested)
    assert found[0] == (
        f"contested: somebody else changed {WEB} {real_id(0)} 5 times in a row: is another controller at work?"
    )
    assert found[10:] == ["contested: 15 more entries"]


def test_a_refused_operation_is_named_with_its_error() -> None:
    fleet, refusals = refusing(1)
    assert complaints(fleet.state, refusals, WELL) == [
        f"refused: {WEB}: {real_id(0)} by masquerade, weight 0: Operation not permitted"
    ]


def test_of_many_refused_operations_only_some_are_named() -> None:
    fleet, refusals = refusing(25)
    found = complaints(fleet.state, refusals, WELL)
    assert len(found) == 11
    assert found[-1] == "refused: 15 more operations"
