"""A stretch of a journal as one segment to mail: it verifies, replays and explains alone."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from journal import JournalReader, Record, SegmentOpened, decode_as, write_segment
from kglb.events import encode
from kglb.projections import State
from kglb.replay.anonymise import Anonymiser
from kglb.replay.source import Source
from kglb.replay.state_at import state_at

_BEGINNING = "00000000"
_raw = decode_as(Record[msgspec.Raw])


def export(source: Source, first: int, last: int, target: Path, anonymiser: Anonymiser | None = None) -> range:
    """Write the records ``first`` to ``last`` to ``target``, with other names if so wanted; which are in it.

    It begins with a ``SegmentOpened`` in the place of the record before ``first``, with the state that it led to.
    Raises what reading raises, and OSError.
    """
    begin = max(source.bounds()[0], first - 1)
    record, checkpoint = source.record(begin), source.reader.checkpoint(begin)
    assert record is not None
    assert checkpoint is not None
    event = replace(checkpoint.event, chain=_BEGINNING, checkpoint=_stored(state_at(source, begin).state))
    if anonymiser is not None:
        event = _anonymised(event, begin, anonymiser)
    opened = Record(record.seq, record.at, record.mono, None, event, "")
    records = (
        _as_they_are(source, begin + 1, last) if anonymiser is None else _renamed(source, begin + 1, last, anonymiser)
    )
    return range(begin, begin + write_segment(target, opened, records))


def _as_they_are(source: Source, first: int, last: int) -> Iterator[Record[msgspec.Raw]]:
    """Undecoded, so that what only a newer version knows is kept."""
    return JournalReader(source.path, _raw).records(first, max(0, last - first + 1))


def _renamed(source: Source, first: int, last: int, anonymiser: Anonymiser) -> Iterator[Record[msgspec.Raw]]:
    for record in source.between(first, last):
        event = record.event
        if isinstance(event, SegmentOpened):
            renamed = encode(_anonymised(event, record.seq, anonymiser))
        else:
            renamed = encode(anonymiser.event(event))
        yield Record(record.seq, record.at, record.mono, record.cause, msgspec.Raw(renamed), record.crc)


def _anonymised(event: SegmentOpened, seq: int, anonymiser: Anonymiser) -> SegmentOpened:
    state = anonymiser.state(State.from_checkpoint(seq, bytes(event.checkpoint)))
    return replace(anonymiser.event(event), checkpoint=_stored(state))


def _stored(state: State) -> msgspec.Raw:
    return msgspec.Raw(b"".join(state.checkpoint()))
