"""What each real went through, moment by moment, as far as it is kept. Times come in with the events, as Unix time."""

from collections import deque
from collections.abc import Iterable, Sequence

from kglb.events import (
    Adopted,
    DaemonStarted,
    DaemonStopping,
    Event,
    HealthChanged,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
)
from kglb.model import RealId, ServiceId
from kglb.projections.fleet import FleetState
from kglb.projections.view import Condition, condition

Key = tuple[ServiceId, RealId]
Change = tuple[float, Condition | None]
"""When a real came into a condition; None: it was removed."""


class Timeline:
    """One real. ``since`` is when its health last changed, None if that was before what is known."""

    __slots__ = ("changes", "healthy", "outcome", "since")

    def __init__(self, *, healthy: bool, outcome: str) -> None:
        self.healthy = healthy
        self.outcome = outcome
        self.since: float | None = None
        self.changes: list[Change] = []

    def mark(self, at: float, limit: int | None) -> None:
        """Put down the condition, if it is another than the last; of more than ``limit`` the oldest goes."""
        now = condition(healthy=self.healthy, outcome=self.outcome)
        if not self.changes or self.changes[-1][1] != now:
            self.changes.append((at, now))
            if limit is not None and len(self.changes) > limit:
                del self.changes[0]


class History:
    """Keeps at most ``limit`` changes of a real, the newest; a removed real only with ``keep_removed``.

    ``absences`` are the spans from a stop to the next start; a crash leaves no trace of when it was.
    """

    def __init__(self, *, limit: int | None = None, keep_removed: bool = False) -> None:
        self.timelines: dict[Key, Timeline] = {}
        self.absences: deque[tuple[float, float]] = deque(maxlen=limit)
        self._limit = limit
        self._keep_removed = keep_removed
        self._stopped_at: float | None = None

    def begin(self, at: float, fleet: FleetState) -> None:
        """Take the reals up as they are at ``at``, before any event is noted; a daemon may have stopped before."""
        if fleet.stopped:
            self._stopped_at = at
        for service, balancer in fleet.balancers.items():
            for known in balancer.reals.values():
                self._open((service, known.real), healthy=known.healthy, outcome=known.outcome).mark(at, self._limit)

    def recall(self, past: Iterable[tuple[float, Event]], fleet: FleetState) -> None:
        """Take up events that led to ``fleet``, oldest first; what was before them follows from them."""
        events = list(past)
        if not events:
            return
        for (service, real), (healthy, outcome) in _before([event for _, event in events], fleet).items():
            self._open((service, real), healthy=healthy, outcome=outcome).mark(events[0][0], self._limit)
        for at, event in events:
            self.note(at, event)

    def note(self, at: float, event: Event) -> None:
        """Take one event in; constant time."""
        match event:
            case ProbeFlipped() | HealthChanged():
                self._change(at, event)
            case RealAdded():
                self._begin((event.service, event.real), at, healthy=event.healthy)
            case Adopted():
                for one in event.unaccounted:
                    self._begin((one.service, one.real), at, healthy=True)
            case RealRemoved():
                self._remove((event.service, event.real), at)
            case DaemonStopping():
                self._stopped_at = at
            case DaemonStarted() if self._stopped_at is not None:
                self.absences.append((self._stopped_at, at))
                self._stopped_at = None

    def _change(self, at: float, event: ProbeFlipped | HealthChanged) -> None:
        timeline = self.timelines.get((event.service, event.real))
        if timeline is None:
            return
        if isinstance(event, HealthChanged):
            timeline.healthy, timeline.since = event.healthy, at
        else:
            timeline.outcome = event.outcome
        timeline.mark(at, self._limit)

    def _begin(self, key: Key, at: float, *, healthy: bool) -> None:
        """Nothing was asked of a real yet."""
        timeline = self._open(key, healthy=healthy, outcome="")
        timeline.since = at
        timeline.mark(at, self._limit)

    def _open(self, key: Key, *, healthy: bool, outcome: str) -> Timeline:
        timeline = self.timelines.get(key)
        if timeline is None:
            timeline = self.timelines[key] = Timeline(healthy=healthy, outcome=outcome)
        timeline.healthy, timeline.outcome = healthy, outcome
        return timeline

    def _remove(self, key: Key, at: float) -> None:
        if not self._keep_removed:
            self.timelines.pop(key, None)
        elif (timeline := self.timelines.get(key)) is not None:
            timeline.changes.append((at, None))


def _before(events: Sequence[Event], fleet: FleetState) -> dict[Key, tuple[bool, str]]:
    """Health and last outcome of each real before ``events``, told backwards from where they led."""
    before: dict[Key, tuple[bool, str]] = {
        (service, known.real): (known.healthy, known.outcome)
        for service, balancer in fleet.balancers.items()
        for known in balancer.reals.values()
    }
    for event in reversed(events):
        match event:
            case HealthChanged(service=service, real=real, healthy=healthy) if (service, real) in before:
                before[service, real] = (not healthy, before[service, real][1])
            case ProbeFlipped(service=service, real=real, outcome=outcome) if (service, real) in before:
                other = "success" if outcome == "failure" else "failure"
                before[service, real] = (before[service, real][0], other)
            case RealAdded(service=service, real=real):
                before.pop((service, real), None)
            case Adopted(unaccounted=unaccounted):
                keys = ((one.service, one.real) for one in unaccounted)
                before.update({key: (False, "failure") for key in keys if key in before})
    return before
