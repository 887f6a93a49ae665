"""The records around a real's entry in the kernel: what touched it last, and what each names as its cause."""

from kglb.events import (
    Adopted,
    BalancerDecided,
    DriftFound,
    EntryContested,
    HealthChanged,
    OperationFailed,
    OperationsApplied,
)
from kglb.model import RealId
from kglb.replay.about import Wanted, concerns, narrow
from kglb.replay.source import Found, Source

_TOUCHING = (OperationsApplied, OperationFailed, DriftFound, EntryContested, Adopted)
_FIRST_LOOK = 4096


def last_touches(source: Source, wanted: Wanted, first: int, last: int) -> set[int]:
    """The last record from ``first`` to ``last`` that set what is wanted in the kernel, and what came after it.

    That is any refusal, or change by somebody else, that followed.
    """
    touches: set[int] = set()
    for record in source.between(first, last):
        if isinstance(record.event, _TOUCHING) and concerns(record.event, wanted):
            if isinstance(record.event, OperationsApplied | Adopted):
                touches.clear()
            touches.add(record.seq)
    return touches


def causes_of(record: Found, real: RealId, wanted: Wanted) -> set[int]:
    """The records that a record names as its causes, as far as they concern ``real``."""
    match record.event:
        case OperationsApplied():
            part = narrow(record.event, wanted)
            assert isinstance(part, OperationsApplied)
            return set(part.causes)
        case BalancerDecided(causes=causes) if real in causes:
            return {causes[real]}
        case HealthChanged(run=run):
            return {run}
        case _:
            return set() if record.cause is None else {record.cause}


def adoption_before(source: Source, seq: int) -> int | None:
    """The last record before ``seq`` that says what was found in the kernel; None if the journal has none."""
    last, size = seq - 1, _FIRST_LOOK
    first = source.bounds()[0]
    while last >= first:
        begin = max(first, last - size + 1)
        found = [record.seq for record in source.between(begin, last) if isinstance(record.event, Adopted)]
        if found:
            return found[-1]
        last, size = begin - 1, size * 8
    return None
