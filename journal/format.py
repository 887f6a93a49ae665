"""The byte format: the journal's own events, the envelope of a record, and the line it becomes.

The reasons are in the package's docstring. Nothing here touches a file.
"""

import re
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar
from zlib import crc32

import msgspec

from journal.errors import UnknownFormat

E = TypeVar("E")

FORMAT = 1
"""The format that is written. A segment says which one it has; readers choose the decoder by it."""

TAIL_SIZE = len(',"crc":"00000000"}')
"""How long a line's end is, from the comma before ``"crc"``, without the newline."""

_HEAD = re.compile(rb'{"seq":(\d{1,19}),"at":"([^"]*)"(?:,"mono":(\d+\.\d+))?')
_TAIL = re.compile(rb',"crc":"([0-9a-f]{8})"}\Z')


class SegmentOpened(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The first record of each segment: who wrote it, and the state that every record before it leads to.

    ``chain`` is the crc of the record before it in eight hex digits (``00000000`` at the very beginning), so
    that a segment can be verified alone. ``checkpoint`` is the caller's JSON, unread.
    """

    format: int
    host: str
    boot_id: str
    software: str
    chain: str
    checkpoint: msgspec.Raw


class JournalRepaired(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """On opening, ``size`` bytes were set aside, from record ``seq`` of ``file`` on, as they were not valid.

    They are kept in ``kept_as``, beside the segments. It is the first record after the cut.
    """

    file: str
    seq: int
    size: int
    kept_as: str
    reason: str


class JournalGap(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Records ``first_seq`` to ``last_seq`` may be missing: the disk failed at ``since``.

    It follows a ``SegmentOpened``, whose checkpoint has their effect. After a failed fsync some of them may
    still be in the segment before.
    """

    first_seq: int
    last_seq: int
    since: str
    reason: str


class RecordsLost(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Stands in the place of each of the records ``first_seq`` to ``last_seq``, which a repair could not save.

    What was there instead is kept in ``kept_as``, beside the segments. What the lost records led to is missing from
    every state up to the next checkpoint. ``seal``, on the last of them, are digits chosen so that its checksum is the
    one that the next record continues: what is behind the hole is as it was written.
    """

    first_seq: int
    last_seq: int
    reason: str
    kept_as: str
    seal: str = ""


class Record(msgspec.Struct, Generic[E], frozen=True, gc=False):
    """One line: an event with its number, its times, and the number of the event that caused it.

    ``at`` is UTC to the microsecond; ``mono`` is in seconds and compares only within one boot.
    """

    seq: int
    at: str
    mono: float
    cause: int | None
    event: E
    crc: str


Decode = Callable[[int], Callable[[bytes], Record[E]]]
"""From a segment's format to the function that reads its lines. Upcasts of older formats hook in here."""


def decode_as(record: type[Record[E]]) -> Decode[E]:
    """The ``Decode`` for the current format only, in one msgspec pass: ``decode_as(Record[MyEvent])``.

    What it returns raises ``UnknownFormat`` for any other version.
    """
    decode = msgspec.json.Decoder(record).decode

    def for_version(version: int) -> Callable[[bytes], Record[E]]:
        if version != FORMAT:
            raise UnknownFormat(version, FORMAT)
        return decode

    return for_version


class Head(NamedTuple):
    """What a seek reads of a line."""

    seq: int
    at: bytes
    mono: float


def encode_body(seq: int, at: bytes, mono: float, cause: int | None, event: bytes) -> bytes:
    """A record's line up to its checksum; ``event`` is JSON on one line."""
    known_cause = b"null" if cause is None else b"%d" % cause
    return b'{"seq":%d,"at":"%b","mono":%.6f,"cause":%b,"event":%b' % (seq, at, mono, known_cause, event)


def encode_tail(crc: int) -> bytes:
    """The end of a line whose chained checksum is ``crc``, newline included."""
    return b',"crc":"%08x"}\n' % crc


def encode_line(body: bytes, chain: int) -> tuple[bytes, int]:
    """The whole line, newline included, after a record whose checksum is ``chain``; and its own checksum."""
    crc = crc32(body, chain)
    return body + encode_tail(crc), crc


def encode_opening(opened: SegmentOpened) -> bytes:
    """The event of a segment's first line up to its checkpoint, which follows in parts and then ``}``."""
    whole = msgspec.json.encode(msgspec.structs.replace(opened, checkpoint=msgspec.Raw(b"0")))
    assert whole.endswith(b'"checkpoint":0}')
    return whole[: -len(b"0}")]


def read_head(line: bytes) -> Head | None:
    """The number and times at the beginning of a line; None if it does not begin like one."""
    found = _HEAD.match(line)
    return Head(int(found[1]), found[2], float(found[3] or 0)) if found else None


def read_crc(line: bytes) -> int | None:
    """The checksum a line (without its newline) ends with; None if it does not end like one."""
    found = _TAIL.search(line, max(0, len(line) - TAIL_SIZE))
    return int(found[1], 16) if found else None


def continues(line: bytes, chain: int) -> bool:
    """Whether a line (without its newline) is intact and follows a record whose checksum is ``chain``."""
    return read_crc(line) == crc32(line[:-TAIL_SIZE], chain)


def explain_damage(line: bytes, expected_seq: int) -> str:
    """Why a line that does not verify as record ``expected_seq`` may not, for people."""
    if not line.strip(b"\0"):
        return "expected a record, found nothing but zero bytes"
    head = read_head(line)
    if head is None:
        return "the line does not begin like a record"
    if read_crc(line) is None:
        return "the line does not end like a record: it was cut short or changed"
    if head.seq != expected_seq:
        return f"found record {head.seq}: records are missing, repeated or moved, or its number was changed"
    return "the checksum does not match: this line was changed, or the one before it is not the one it followed"
