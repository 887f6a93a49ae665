"""What the events since the start add up to, as counters. It sees each event once and keeps none."""

from collections import Counter
from typing import get_args

from kglb.events import ActorCrashed, DriftFound, Event, OperationFailed, OperationsApplied, OutcomesUnknown
from kglb.model import Operation


def _zeros(union: object) -> Counter[str]:
    """A counter with every kind in it: a series that begins at 1 hides its first increment from rate()."""
    return Counter({kind.__name__: 0 for kind in get_args(union)})


class Tally:
    """Counters by kind; ``restarts`` by kind of actor. ``apply_seconds`` is what the machine took for ``apply_batches``
    batches.
    """

    def __init__(self) -> None:
        self.events = _zeros(Event)
        self.applied = _zeros(Operation)
        self.failed = _zeros(Operation)
        self.drift = _zeros(Operation)
        self.unknown: Counter[str] = Counter()
        self.restarts: Counter[str] = Counter()
        self.apply_batches = 0
        self.apply_seconds = 0.0

    def count(self, event: Event) -> None:
        """Count one event; quick, and never raises."""
        self.events[type(event).__name__] += 1
        match event:
            case OperationsApplied():
                self.applied.update(type(operation).__name__ for operation in event.operations)
                self.apply_batches += 1
                self.apply_seconds += event.microseconds / 1e6
            case OperationFailed():
                self.failed[type(event.operation).__name__] += 1
            case DriftFound():
                self.drift.update(type(change).__name__ for change in event.changes)
            case OutcomesUnknown():
                self.unknown.update(event.counts)
            case ActorCrashed():
                self.restarts[event.actor.partition(" ")[0]] += 1
