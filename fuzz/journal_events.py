"""A journal in which anything may have been recorded: bytes and checksums are right, the events need not be.

An input is JSON, one event a line, the first of them the checkpoint; lines that are no events are left out, but for the
last: there the journal is damaged. Readers may say that it does not fold, or that it names what nothing of ours writes.
"""

from collections.abc import Iterator
from contextlib import suppress

import msgspec

from fuzz.scratch import scratch_directory
from fuzz.verbs import READERS, run
from journal import UNDECODABLE
from journal.format import FORMAT, encode_body, encode_line
from kglb.events import Event

MOST = 200
"""Events of an input."""

_decode = msgspec.json.Decoder(Event).decode
_DIRECTORY = scratch_directory("journal_events")
_EXPORTED = scratch_directory("exported") / "exported.jsonl"


def one_input(data: bytes) -> None:
    """Write the journal, and read it in every way."""
    (_DIRECTORY / f"{1:020}.jsonl").write_bytes(_sealed(data))
    journal = str(_DIRECTORY)
    for verb in (*READERS, ("journal", "export", "--anonymise", "-o", str(_EXPORTED))):
        _EXPORTED.unlink(missing_ok=True)
        run(*verb, journal)


def _understood(events: list[bytes]) -> Iterator[bytes]:
    *others, last = events or [b""]
    for event in others:
        with suppress(*UNDECODABLE):
            _decode(event)
            yield event
    if last:
        yield last


def _sealed(data: bytes) -> bytes:
    checkpoint, *events = data.split(b"\n")[:MOST]
    opened = b'{"type":"SegmentOpened","format":%d,"host":"a","boot_id":"b","software":"c","chain":"00000000",' % FORMAT
    chain, segment = 0, b""
    first = opened + b'"checkpoint":' + (checkpoint or b"{}") + b"}"
    for number, event in enumerate((first, *_understood(events)), 1):
        at = b"2026-11-22T14:30:00.%06dZ" % number
        line, chain = encode_line(encode_body(number, at, float(number), max(1, number - 1), event), chain)
        segment += line
    return segment
