"""A journal in which anything may have been recorded: bytes and checksums are right, the events need not be.

An input is JSON, one event a line, the first of them the checkpoint. Readers may say that it does not fold, never raise.
"""

from fuzz.scratch import scratch_directory
from fuzz.verbs import READERS, run
from journal.format import FORMAT, encode_body, encode_line

MOST = 200
"""Events of an input."""

_DIRECTORY = scratch_directory("journal_events")
_EXPORTED = scratch_directory("exported") / "exported.jsonl"


def one_input(data: bytes) -> None:
    """Write the journal, and read it in every way."""
    (_DIRECTORY / f"{1:020}.jsonl").write_bytes(_sealed(data))
    journal = str(_DIRECTORY)
    for verb in READERS:
        run(*verb, journal)
    _EXPORTED.unlink(missing_ok=True)
    run("journal", "export", "--anonymise", "-o", str(_EXPORTED), journal)


def _sealed(data: bytes) -> bytes:
    checkpoint, *events = data.split(b"\n")[:MOST]
    opened = b'{"type":"SegmentOpened","format":%d,"host":"a","boot_id":"b","software":"c","chain":"00000000",' % FORMAT
    chain, segment = 0, b""
    first = opened + b'"checkpoint":' + (checkpoint or b"{}") + b"}"
    for number, event in enumerate((first, *filter(None, events)), 1):
        at = b"2026-11-22T14:30:00.%06dZ" % number
        line, chain = encode_line(encode_body(number, at, float(number), max(1, number - 1), event), chain)
        segment += line
    return segment
