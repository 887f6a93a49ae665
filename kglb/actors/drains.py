"""The drains: sees to it that operators' orders end at their time, and that a drained or leaving real's last connection
is noticed.

It asks the machine for connections only while somebody waits for some to end. Times are those of the wall clock, since
they outlive the daemon: what ran out while there was none ends at the start.
"""

from collections.abc import Collection, Iterator
from typing import Any, Literal, NamedTuple, get_args

from pykka import ActorRef

from kglb.actors.parts import Parts
from kglb.actors.recorder import Fact, RecordingActor
from kglb.actors.runtime import Alarm
from kglb.dataplane.port import DataPlane
from kglb.events import DrainFinished, RealAdded, RealRestored, Steering
from kglb.model import RealId, ServiceId, parse_service
from kglb.projections import RealState

POLL = 1.0
"""Seconds between two looks at the connections of what drains."""

CLOCK_PATIENCE = 60.0
"""Seconds after which the wall clock is looked at in any case: somebody may have set it."""

Key = tuple[ServiceId, RealId]


class Look(NamedTuple):
    """Command: it is time to look at what is drained, leaving, or weighed by hand."""


class Drains(RecordingActor):
    """Waits for deadlines and for last connections; a look costs what is waited for, not what there is."""

    def __init__(self, parts: Parts, *, parent: ActorRef[Any]) -> None:
        super().__init__(parts.scheduler, parts.recorder, key="drains", parent=parent)
        self._parts = parts
        self._steered: dict[Key, None] = {}
        self._connections = parts.draining
        self._changed = False
        self._looking = False
        self._look_due = Alarm(self, Look())

    def on_start(self) -> None:
        """Take up what was ordered before, and what was leaving."""
        self.recorder.subscribe(self.actor_ref, RealAdded, *get_args(Steering))
        for service, balancer in self.recorder.state.fleet.balancers.items():
            for name, real in balancer.reals.items():
                if _is_steered(real):
                    self._steered[service, name] = None
        self._look_due.set(0.0)

    def on_receive(self, message: object) -> None:
        """Note which reals may have something to wait for."""
        match message:
            case Fact(_, _, event) if isinstance(event, RealAdded | Steering):
                real = self.recorder.state.fleet.real(event.service, event.real)
                if real is not None and _is_steered(real):
                    self._steered[event.service, event.real] = None
                    self._changed = True
            case Look():
                if not self._looking:
                    self._looking = True
                    self.spawn(self._look())
            case _:
                raise TypeError(f"the drains are not told {message!r}")

    def on_drained(self) -> None:
        """Look once at all that came."""
        if self._changed and not self._looking:
            self._changed = False
            self._look_due.set(0.0)

    # --- looking ------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        try:
            self._end_what_is_over()
            for service, reals in self._waited_for().items():
                await self._count(service, reals)
            self._finish_what_has_ended()
        finally:
            self._looking = False
        if (seconds := self._until_next_look()) is not None:
            self._look_due.set(seconds)
        self.on_drained()

    def _reals(self) -> Iterator[tuple[Key, RealState]]:
        """What is steered still; the rest is forgotten."""
        for key in list(self._steered):
            real = self.recorder.state.fleet.real(*key)
            if real is None or not _is_steered(real):
                del self._steered[key]
                self._connections.pop(key, None)
            else:
                yield key, real

    def _waiting(self) -> Iterator[tuple[Key, RealState]]:
        """Reals whose connections are waited for."""
        return ((key, real) for key, real in self._reals() if _waits(real))

    def _end_what_is_over(self) -> None:
        now = self._parts.wall()
        for (service, real), state in self._reals():
            orders: dict[Literal["drain", "weight"], float | None] = {}
            if state.orders.drain is not None:
                orders["drain"] = state.orders.drain.until
            if state.orders.override is not None:
                orders["weight"] = state.orders.override.until
            if ended := tuple(order for order, until in orders.items() if until is not None and until <= now):
                self.recorder.record(RealRestored(service=service, real=real, ended=ended, reason="deadline"))

    def _waited_for(self) -> dict[ServiceId, list[RealId]]:
        """The reals whose connections are waited for, by service."""
        found: dict[ServiceId, list[RealId]] = {}
        for (service, real), _ in self._waiting():
            found.setdefault(service, []).append(real)
        return found

    async def _count(self, service: ServiceId, reals: list[RealId]) -> None:
        """Ask the machine for the connections of what gets no new ones; what cannot be read is asked for again."""
        wanted = {real for real in reals if self._weight_in_kernel(service, real) == 0}
        try:
            counted = await self._parts.worker.call(connections, self._parts.machine, service, wanted)
        except OSError as error:
            self._parts.say("connections cannot be read", service=service, error=str(error))
            counted = {}
        for real in reals:
            self._connections.pop((service, real), None)
        self._connections |= {(service, real): count for real, count in counted.items()}

    def _finish_what_has_ended(self) -> None:
        now = self._parts.wall()
        for key, real in list(self._waiting()):
            left = 0 if self._weight_in_kernel(*key) is None else self._connections.get(key)
            if left == 0 or (real.leaving is not None and real.leaving.until <= now):
                self.recorder.record(DrainFinished(service=key[0], real=key[1], connections=left or 0))

    def _weight_in_kernel(self, service: ServiceId, real: RealId) -> int | None:
        held = self.recorder.state.data_plane.actual.destinations.get(service, {}).get(real)
        return None if held is None else held.weight

    def _until_next_look(self) -> float | None:
        """Seconds; None if nothing is waited for."""
        deadlines = [until for _, real in self._reals() for until in _deadlines(real)]
        waits = [min(max(min(deadlines) - self._parts.wall(), 0.0), CLOCK_PATIENCE)] if deadlines else []
        if any(True for _ in self._waiting()):
            waits.append(POLL)
        return min(waits, default=None)


def connections(machine: DataPlane, service: ServiceId, reals: Collection[RealId]) -> dict[RealId, int]:
    """How many connections each of these has, as far as the machine says; for the worker. Raises OSError.

    Of TCP those that are established: what is left of closed ones stays in the kernel for minutes. Of all else every
    one, since the kernel calls none of UDP's established.
    """
    counters = machine.counters(service)
    if counters is None:
        return {}
    only_active = parse_service(service).protocol == "tcp"
    return {
        one.real: one.active if only_active else one.active + one.inactive
        for one in counters.destinations
        if one.real in reals
    }


def _is_steered(real: RealState) -> bool:
    return bool(real.orders) or real.leaving is not None


def _waits(real: RealState) -> bool:
    if real.leaving is not None:
        return not real.leaving.finished
    return real.orders.drain is not None and not real.orders.drain.finished


def _deadlines(real: RealState) -> Iterator[float]:
    """When something about a real ends by itself."""
    for order in (real.orders.drain, real.orders.override):
        if order is not None and order.until is not None:
            yield order.until
    if real.leaving is not None and not real.leaving.finished:
        yield real.leaving.until
