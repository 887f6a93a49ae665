"""The state at any record of a journal: the newest checkpoint at or before it, what follows folded in."""

from collections.abc import Iterator

import msgspec

from journal import UNDECODABLE
from kglb.events import JournalGap, RecordsLost, SegmentOpened
from kglb.projections import State
from kglb.replay.errors import CheckpointError, NothingRecordedError
from kglb.replay.source import Found, Source


class Replayed(msgspec.Struct, frozen=True):
    """A state, the time of its last record, and the checkpoint it was begun from."""

    state: State
    at: str
    checkpoint_seq: int


def state_at(source: Source, seq: int) -> Replayed:
    """The state after record ``seq``. Raises CheckpointError, NothingRecordedError."""
    opened = source.reader.checkpoint(seq)
    if opened is None:
        raise NothingRecordedError(f"{source.path} has no checkpoint at or before record {seq}")
    state = restore(opened.seq, opened.event)
    at = opened.at
    for record in source.between(opened.seq + 1, seq):
        state.fold(record.seq, record.event)
        at = record.at
    return Replayed(state, at, opened.seq)


def restore(seq: int, opened: SegmentOpened) -> State:
    """The state that the checkpoint of record ``seq`` stored. Raises CheckpointError."""
    try:
        return State.from_checkpoint(seq, bytes(opened.checkpoint))
    except UNDECODABLE as error:
        raise CheckpointError(f"the checkpoint at record {seq} is not understood: {error}") from None


class Onward:
    """A state that goes on through a journal, record by record. Raises what ``state_at`` raises."""

    def __init__(self, source: Source, seq: int) -> None:
        self.replayed = state_at(source, seq)
        self._source = source
        self._opened: tuple[int, SegmentOpened] | None = None
        self._misses_records = False

    def to(self, last: int) -> Iterator[Found]:
        """Fold the records up to ``last``, each before it is yielded."""
        for record in self._source.between(self.replayed.state.seq + 1, last):
            self.take(record)
            yield record

    def take(self, record: Found) -> None:
        """Fold the next record. What records that are missing led to is in the next checkpoint."""
        state, checkpoint_seq = self.replayed.state, self.replayed.checkpoint_seq
        self._misses_records |= record.seq != state.seq + 1 or isinstance(record.event, RecordsLost)
        match record.event:
            case SegmentOpened():
                self._opened = (record.seq, record.event)
                if self._misses_records:
                    state, checkpoint_seq, self._misses_records = restore(*self._opened), record.seq, False
            case JournalGap() if self._opened is not None:  # what is missing is in the checkpoint before it
                state, checkpoint_seq = restore(*self._opened), self._opened[0]
        state.fold(record.seq, record.event)
        self.replayed = Replayed(state, record.at, checkpoint_seq)
