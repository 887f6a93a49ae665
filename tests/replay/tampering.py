"""A journal in which some events are others: intact, but not the truth."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from journal import JournalReader
from journal.format import SegmentOpened, encode_body, encode_line, encode_opening
from journal.segments import segment_path
from kglb.events import Event, OutcomesUnknown, Record, decode, encode

Change = Callable[[Record[Event]], Event]
"""What to record instead of an event."""


def rewrite(journal: Path, directory: Path, change: Change) -> Path:
    """Write the records of ``journal``, changed, into a new ``directory``."""
    directory.mkdir()
    path, chain = directory, 0
    for record in JournalReader(journal, decode).records():
        event = change(record)
        if isinstance(event, SegmentOpened):
            path = segment_path(directory, record.seq)
        body = encode_body(record.seq, record.at.encode(), record.mono, record.cause, _encode(event, chain))
        line, chain = encode_line(body, chain)
        with path.open("ab") as file:
            file.write(line)
    return directory


def _encode(event: Event, chain: int) -> bytes:
    if isinstance(event, SegmentOpened):
        return encode_opening(replace(event, chain=f"{chain:08x}")) + bytes(event.checkpoint) + b"}"
    return encode(event)


def changing(kind: type, **fields: object) -> Change:
    """Other ``fields`` in the first event of a kind that has any of them otherwise."""
    return _first(kind, lambda event: replace(event, **fields))


def without(kind: type, nth: int = 0) -> Change:
    """Nothing of importance in the place of the ``nth`` event of a kind."""
    return _first(kind, lambda _: OutcomesUnknown(counts={}), nth)


def _first(kind: type, change: Callable[[Any], Event], nth: int = 0) -> Change:
    number = count()

    def apply(record: Record[Event]) -> Event:
        event = record.event
        if not isinstance(event, kind) or change(event) == event:
            return event
        return change(event) if next(number) == nth else event

    return apply
