"""The watchdog: notices what makes no progress. It looks at what was promised, not at whether a timer still turns.

    who         has promised                          when it does not come
    checker     that its probe has answered by then   it is told (``Overdue``): a probe that nobody holds is lost
    machine     that a call returns                   recorded, and once more when it does; a thread cannot be killed
    prober      that some probe ends while some are   ``Parts.probes_stalled``; no systemd is told that all is well
                overdue

It restarts nobody: an actor that finds its own promise broken raises, and its parent does.
"""

from typing import Any, NamedTuple

from pykka import ActorRef

from kglb.actors.parts import Parts
from kglb.actors.recorder import RecordingActor
from kglb.dataplane.worker import PATIENCE
from kglb.events import MachineAnswered, MachineStalled

INTERVAL = 2.0
"""Seconds between two looks."""


class Overdue(NamedTuple):
    """Told to an actor whose promise has not been kept, at most once for each promise."""


class Look(NamedTuple):
    """Command: it is time to look again."""


class Watchdog(RecordingActor):
    """One per daemon."""

    def __init__(self, parts: Parts, *, parent: ActorRef[Any]) -> None:
        super().__init__(parts.scheduler, parts.recorder, key="watchdog", parent=parent)
        self._parts = parts
        self._answered = 0
        self._stalled: float | None = None  # when the call began that is known to have stalled

    def on_start(self) -> None:
        """Look from now on."""
        self._parts.probes_stalled = None
        self.after(INTERVAL, Look())

    def on_receive(self, message: object) -> None:
        """Look."""
        match message:
            case Look():
                now = self._parts.now()
                self._look_at_machine(now)
                self._look_at_promises(now)
                self.after(INTERVAL, Look())
            case _:
                raise TypeError(f"a watchdog is not told {message!r}")

    def _look_at_machine(self, now: float) -> None:
        began = self._parts.worker.busy_since
        if self._stalled is not None and began != self._stalled:
            self.recorder.record(MachineAnswered(seconds=round(now - self._stalled, 3)))
            self._stalled = None
        if self._stalled is None and began is not None and now - began > PATIENCE:
            self._stalled = began
            self.recorder.record(MachineStalled(seconds=round(now - began, 3)))

    def _look_at_promises(self, now: float) -> None:
        promises = self._parts.promises
        overdue = [actor for actor, until in promises.items() if until < now]
        for actor in overdue:
            del promises[actor]
            actor.actor_ref.tell(Overdue())
        answered = self._parts.probes.total()
        if answered != self._answered:
            self._answered, self._parts.probes_stalled = answered, None
        elif overdue and self._parts.probes_stalled is None:
            self._parts.probes_stalled = now
