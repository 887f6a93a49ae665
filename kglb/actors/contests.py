"""The applier's memory of foreign changes to our entries: it records drift, and delays the repair of contested entries.

A repair that waits holds up nothing else: what a balancer decides about the same entry is done at once.
"""

from typing import NamedTuple

from kglb.actors.parts import Parts
from kglb.actors.recorder import RecordingActor
from kglb.decisions import Contest, contest_is_over, drifted
from kglb.events import DriftFound, EntryContested
from kglb.model import Operation, entry_of


class Repair(NamedTuple):
    """Told to the applier: the wait before putting this right is over; ``cause`` is the record that began it."""

    drift: Operation
    cause: int


class Contests:
    """One per applier, whose timers it uses; ``interval`` is the seconds between its looks at the machine.

    What it knows is in ``Parts.contests``, by entry: it outlives the applier, and health and metrics show it.
    """

    def __init__(self, owner: RecordingActor, parts: Parts, interval: float) -> None:
        self.interval = interval
        self._owner = owner
        self._parts = parts

    def record(self, changes: tuple[Operation, ...]) -> None:
        """Record what somebody else has done; it is dirty now, but for what is contested."""
        drifts = [(change, self._drifted(entry_of(change))) for change in changes]
        self._record([drift for drift in drifts if not drift[1].hold])
        self._record([drift for drift in drifts if drift[1].hold])

    def _drifted(self, entry: str) -> Contest:
        known = self._parts.contests
        contest = known[entry] = drifted(known.get(entry), self._parts.now(), self.interval)
        return contest

    def _record(self, drifts: list[tuple[Operation, Contest]]) -> None:
        if not drifts:
            return
        recorder = self._parts.recorder
        undone = recorder.state.data_plane.take_dirty()  # what is put off must not hide it
        found = recorder.record(DriftFound(changes=tuple(change for change, _ in drifts)))
        for change, contest in drifts:
            if contest.is_contested:
                contested = EntryContested(operation=change, drifts=contest.drifts, hold=round(contest.hold, 3))
                cause = recorder.record(contested, cause=found)
                if contest.hold:
                    recorder.state.data_plane.dirty.put_off(cause)
                    self._owner.after(contest.hold, Repair(change, cause))
        recorder.state.data_plane.dirty.add(undone)

    def forget(self) -> None:
        """Forget the contests that are over."""
        known, now = self._parts.contests, self._parts.now()
        for entry in [entry for entry, contest in known.items() if contest_is_over(contest, now, self.interval)]:
            del known[entry]
