"""Events to bytes and records back, in one pass of msgspec each way; records of older formats are lifted first.

A new field with a default needs nothing. Any other change of an event comes with a new format of the journal
(``journal.FORMAT``) and, in ``UPCASTS``, the step that lifts what the format before had. Old steps stay for ever.
"""

from collections.abc import Callable
from typing import Any

import msgspec

import journal.format
from journal.errors import UnknownFormat
from journal.format import Record, decode_as
from kglb.events.types import Event

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes of an event, as JSON gave it, one of the next format. It may change its ``type``, and the dict it is given."""

UPCASTS: dict[int, dict[str, Upcast]] = {}
"""By format and event type, what lifts it to the next format. Types that did not change have no step."""

encode: Callable[[Event], bytes] = msgspec.json.Encoder().encode
"""An event as JSON."""

_decode_current = decode_as(Record[Event])
_decode_plain = msgspec.json.Decoder(Record[dict[str, Any]]).decode


def decode(version: int) -> Callable[[bytes], Record[Event]]:
    """The ``journal.Decode`` of our events: from a segment's format version to what makes a record of a line.

    Raises ``UnknownFormat`` for one that has no upcasts.
    """
    current = journal.format.FORMAT
    if version == current:
        return _decode_current(version)
    steps = [UPCASTS[older] for older in range(version, current) if older in UPCASTS]
    if not version < current or len(steps) != current - version:
        raise UnknownFormat(version, current)
    return lambda line: _lift(line, steps)


def _lift(line: bytes, steps: list[dict[str, Upcast]]) -> Record[Event]:
    record = _decode_plain(line)
    event = record.event
    for step in steps:
        if (upcast := step.get(event["type"])) is not None:
            event = upcast(event)
    lifted = msgspec.convert(event, Event)
    return Record(record.seq, record.at, record.mono, record.cause, lifted, record.crc)
