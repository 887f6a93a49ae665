"""From an opened journal to the state it leads to. What does not fold is set aside, and the rest is used."""

from journal import UNDECODABLE, Damaged, OpenJournal
from kglb.events import decode
from kglb.projections import State


def recover(opened: OpenJournal) -> State:
    """Fold the newest checkpoint and the records behind it; ``opened.repairs`` has what had to be set aside.

    Raises OSError where the journal cannot be read or set aside.
    """
    while True:
        state, broken = _fold(opened)
        if broken is None:
            return state
        opened.set_aside_from(*broken)


def _fold(opened: OpenJournal) -> tuple[State, tuple[int, str] | None]:
    """The state, and from which record on the journal cannot be used, and why."""
    if opened.opened is None or opened.checkpoint is None:
        return State(), None
    seq = opened.opened.seq
    try:
        state = State.from_checkpoint(seq, opened.checkpoint)
    except UNDECODABLE as error:
        return State(), (seq, f"its checkpoint does not decode: {error}")
    try:
        for record in opened.records(decode):
            seq = record.seq
            state.fold(seq, record.event)
    except Damaged as damaged:
        return state, (damaged.seq, damaged.reason)
    except Exception as error:  # whatever a fold raises: the daemon starts all the same
        return state, (seq, f"it does not fold: {error.__cause__ or error!r}")
    return state, None
