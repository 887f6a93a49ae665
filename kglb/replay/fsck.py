"""Whether a journal is as it was written, and whether this software understands all of it. Reads only."""

from pathlib import Path

import msgspec

from journal import UNDECODABLE, Damaged, SegmentOpened
from kglb.projections import State
from kglb.replay.source import Found, Source


class Checked(msgspec.Struct, frozen=True):
    """What was found: how much there is, and each damaged place, in order."""

    segments: int
    records: int
    checkpoints: int
    faults: tuple[Damaged, ...]


def fsck(path: Path) -> Checked:
    """Read everything at ``path``: checksums, numbers, events, checkpoints, and fold it.

    Behind damage it goes on: folding from the next checkpoint. Raises NoJournal, UnknownFormat and OSError.
    """
    check = _Check(path)
    for record in check.source.reader.records():
        check.take(record)
    return Checked(len(check.source.reader.segments()), check.records, check.checkpoints, tuple(check.faults))


class _Check:
    def __init__(self, path: Path) -> None:
        self.source = Source(path, on_damage=self._damaged)
        self.faults: list[Damaged] = []
        self.records = 0
        self.checkpoints = 0
        self._state: State | None = None

    def take(self, record: Found) -> None:
        self.records += 1
        if isinstance(record.event, SegmentOpened):
            self._restore(record.seq, record.event)
        elif self._state is not None:
            self._fold(record)

    def _restore(self, seq: int, opened: SegmentOpened) -> None:
        """A checkpoint must be understood; it is needed where there is no state yet, or none that can be trusted."""
        self.checkpoints += 1
        try:
            state = State.from_checkpoint(seq, bytes(opened.checkpoint))
        except UNDECODABLE as error:
            self._fault(seq, f"the checkpoint is as it was written, but not understood: {error}")
            return
        self._state = state

    def _fold(self, record: Found) -> None:
        assert self._state is not None
        try:
            self._state.fold(record.seq, record.event)
        except Exception as error:  # whatever a fold raises is what is to be said
            self._fault(record.seq, f"it does not fold: {error.__cause__ or error!r}")
            self._state = None

    def _fault(self, seq: int, reason: str) -> None:
        segments = [segment for segment in self.source.reader.segments() if segment.first_seq <= seq]
        segment = segments[-1]
        self.faults.append(Damaged(segment.path, seq - segment.first_seq + 1, seq, reason))

    def _damaged(self, damaged: Damaged) -> None:
        self.faults.append(damaged)
        self._state = None
