"""The state at any record of a journal: the newest checkpoint at or before it, what follows folded in."""

import msgspec

from kglb.events import SegmentOpened
from kglb.projections import State
from kglb.replay.errors import CheckpointError, NothingRecordedError
from kglb.replay.source import Source


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
    except msgspec.DecodeError as error:
        raise CheckpointError(f"the checkpoint at record {seq} is not understood: {error}") from None
