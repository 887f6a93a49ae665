"""Compares destinations and weights with what is known of the kernel, each time that counters are read for metrics.

IPVS tells nobody when another program changes an entry. Each request for metrics or the state reads the counters, and
these come with weights, so comparing is cheap. A difference is only a doubt: it is not recorded and changes nothing.
Whoever is told of it reads the service again, and alone decides whether it is drift.
"""

from collections import Counter
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from kglb.dataplane.counters import DestinationCounters, ServiceCounters
from kglb.events import DriftFound, Event, OperationsApplied
from kglb.model import Destination, RealId, ServiceId
from kglb.model.operations import service_of
from kglb.projections import DataPlaneState


class Doubts:
    """Compares with ``state``, the fold of all that is recorded; tells of each service that looks different.

    A service about which something was recorded since before it was read is in no doubt: what was read is old.
    """

    def __init__(self, state: DataPlaneState) -> None:
        self._state = state
        self._changes: Counter[ServiceId | None] = Counter()
        self._tell: Callable[[ServiceId], None] = lambda _: None

    def heard_by(self, told: Callable[[ServiceId], None]) -> None:
        """Tell this one from now on, and nobody else."""
        self._tell = told

    def note(self, event: Event) -> None:
        """Take one recorded event in; quick, and never raises."""
        match event:
            case OperationsApplied(operations=operations) | DriftFound(changes=operations):
                self._changes.update(map(service_of, operations))

    def changes(self, id: ServiceId) -> int:
        """How often something was recorded about a service; to be asked before it is read."""
        return self._changes[id]

    def compared(self, counters: ServiceCounters, changes: int) -> ServiceCounters:
        """The same counters; whoever iterates the destinations compares them by the way."""
        return replace(counters, destinations=_Compared(self, counters, changes))

    def about(self, id: ServiceId, changes: int) -> None:
        """The service was read, and is not as it is known."""
        if changes == self._changes[id]:
            self._tell(id)

    def known(self, id: ServiceId) -> dict[RealId, Destination]:
        """What the kernel is known to have of a service."""
        return self._state.actual.destinations.get(id, {})


class _Compared:
    def __init__(self, doubts: Doubts, counters: ServiceCounters, changes: int) -> None:
        self._doubts = doubts
        self._counters = counters
        self._changes = changes

    def __iter__(self) -> Iterator[DestinationCounters]:
        known = self._doubts.known(self._counters.id)
        same = others = 0
        for found in self._counters.destinations:
            held = known.get(found.real)
            if held is not None and held.weight == found.weight:
                same += 1
            else:
                others += 1
            yield found
        if others or same != len(known):
            self._doubts.about(self._counters.id, self._changes)
