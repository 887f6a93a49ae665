"""One time axis for a whole journal, in seconds, that never goes back: across boots, restarts and the clock's steps."""

from datetime import timedelta

from kglb.events import DaemonStarted, JournalRepaired
from kglb.replay.source import Found
from kglb.replay.times import read_record_time, record_time

STARTS = DaemonStarted | JournalRepaired
"""What may be the first record of a daemon: the one before is that of another."""


class Timeline:
    """Follows the records one by one. ``now`` is the time of the last one, in seconds since the first.

    What is past the last record is reached by the wall clock.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._mono: float | None = None
        self._at = ""

    def advance(self, record: Found) -> float:
        """The time of the next record: by the monotonic clock, but by the wall clock where a daemon starts."""
        if self._mono is not None:
            passed = record.mono - self._mono
            if isinstance(record.event, STARTS) or passed < 0:
                passed = (read_record_time(record.at) - read_record_time(self._at)).total_seconds()
            self.now += max(passed, 0.0)
        self._mono, self._at = record.mono, record.at
        return self.now

    def reach(self, at: str) -> float:
        """The time, once it is ``at`` and nothing more is recorded; that of the last record if it is no later."""
        if self._at and at:
            passed = (read_record_time(at) - read_record_time(self._at)).total_seconds()
            if passed > 0:
                self.now += passed
                self._at = at
        return self.now

    def at(self, time: float) -> str:
        """The wall clock at a ``time`` that is not after ``now``, in the form that records have."""
        if time == self.now:
            return self._at
        return record_time(read_record_time(self._at) - timedelta(seconds=self.now - time))
