"""What is read for metrics is compared with what is known."""

import pytest

from kglb.dataplane.counters import DestinationCounters, ServiceCounters, Traffic
from kglb.events import DriftFound, OperationsApplied
from kglb.model import ChangeDestination, DeleteAddress, Operation, ServiceId
from kglb.web.doubts import Doubts
from tests.projections.builders import DNS, VIP, WEB, real_id
from tests.web.builders import destination, web_fleet

Weights = dict[int, int]


def counters(weights: Weights) -> ServiceCounters:
    held = [DestinationCounters(real_id(number), weight, 3, 7, Traffic()) for number, weight in weights.items()]
    return ServiceCounters(WEB, Traffic(connections=5), held)


class Listener:
    """Doubts about a fleet of two reals of 1000 each, and what it is told of."""

    def __init__(self) -> None:
        self.doubts = Doubts(web_fleet(2).state.data_plane)
        self.heard: list[ServiceId] = []
        self.doubts.heard_by(self.heard.append)

    def read(self, weights: Weights, *meanwhile: Operation) -> None:
        """Somebody reads these, and iterates them after something was recorded."""
        found = self.doubts.compared(counters(weights), self.doubts.changes(WEB))
        if meanwhile:
            self.doubts.note(OperationsApplied(operations=meanwhile, causes=(1,) * len(meanwhile), microseconds=1))
        for _ in range(2):
            assert list(found.destinations) == counters(weights).destinations
        assert found.traffic.connections == 5


@pytest.mark.parametrize(
    ("weights", "is_doubted"),
    [
        ({0: 1000, 1: 1000}, False),
        ({1: 1000, 0: 1000}, False),
        ({0: 1000, 1: 7}, True),
        ({0: 1000}, True),
        ({}, True),
        ({0: 1000, 1: 1000, 2: 0}, True),
        ({0: 1000, 2: 1000}, True),
    ],
    ids=["as known", "in another order", "weight", "one gone", "all gone", "one more", "another one"],
)
def test_a_service_whose_reals_or_weights_differ_is_doubted(weights: Weights, is_doubted: bool) -> None:
    listener = Listener()
    listener.read(weights)
    assert listener.heard == [WEB, WEB] * is_doubted, "each time it is iterated"


def test_what_was_recorded_of_a_service_since_it_was_read_is_no_doubt_about_it() -> None:
    listener = Listener()
    listener.read({0: 1000, 1: 7}, ChangeDestination(WEB, destination(1, 7)))
    assert listener.heard == []


def test_what_was_recorded_of_others_does_not_matter() -> None:
    listener = Listener()
    listener.read({0: 1000, 1: 7}, ChangeDestination(DNS, destination(1, 7)), DeleteAddress(VIP))
    assert listener.heard == [WEB, WEB]


def test_what_was_found_before_is_no_doubt() -> None:
    listener = Listener()
    before = listener.doubts.changes(WEB)
    listener.doubts.note(DriftFound(changes=(ChangeDestination(WEB, destination(1, 7)),)))
    listener.doubts.about(WEB, before)
    assert listener.heard == []


def test_a_list_that_was_not_read_to_its_end_says_nothing() -> None:
    listener = Listener()
    found = listener.doubts.compared(counters({0: 7, 1: 7}), listener.doubts.changes(WEB))
    assert next(iter(found.destinations)).weight == 7
    assert listener.heard == []
