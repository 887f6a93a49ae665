from typing import get_args

from kglb.events import DriftFound, Event, OperationFailed, OutcomesUnknown
from kglb.model import ChangeDestination, DeleteDestination, DeleteService
from kglb.web.tally import Tally
from tests.projections.builders import WEB, real_id
from tests.web.builders import destination, web_fleet


def test_every_type_of_event_is_there_from_the_start() -> None:
    tally = Tally()
    assert set(tally.events) == {kind.__name__ for kind in get_args(Event)}
    assert set(tally.events.values()) == {0}


def test_events_and_what_they_tell_of_are_counted_by_kind() -> None:
    tally = Tally()
    fleet = web_fleet(3)
    fleet.apply(ChangeDestination(WEB, destination(0, 0)), microseconds=250)
    for event in fleet.events:
        tally.count(event)
    assert tally.events["RealAdded"] == 3
    assert tally.events["OperationsApplied"] == 2
    assert tally.applied["AddService"] == 1
    assert tally.applied["AddDestination"] == 3
    assert tally.applied["ChangeDestination"] == 1
    assert tally.apply_batches == 2
    assert round(tally.apply_seconds, 6) == 0.00035


def test_refusals_drift_and_unknown_outcomes_are_counted_by_kind() -> None:
    tally = Tally()
    tally.count(OperationFailed(operation=DeleteService(WEB), errno=3, error="No such process"))
    tally.count(DriftFound(changes=(DeleteDestination(WEB, real_id(0)), DeleteDestination(WEB, real_id(1)))))
    tally.count(OutcomesUnknown(counts={"no descriptors": 5}))
    tally.count(OutcomesUnknown(counts={"no descriptors": 2, "deadline noticed late": 1}))
    assert tally.failed["DeleteService"] == 1
    assert tally.drift["DeleteDestination"] == 2
    assert tally.unknown == {"no descriptors": 7, "deadline noticed late": 1}
