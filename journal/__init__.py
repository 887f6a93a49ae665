"""An append-only event log in JSON Lines. It knows nothing of load balancing.

A journal is a directory of segments. A segment is a text file, one record a line, so that ``grep``, ``jq``
and every log shipper read it as it is::

    {"seq":1042,"at":"2026-11-22T14:30:01.123456Z","mono":81231.004512,"cause":1041,"event":{...},"crc":"9ae0f1c2"}

``seq``
    Counts records from 1, by one. It alone orders records: the wall clock may step, and does.
``at``, ``mono``
    UTC to the microsecond, always 27 characters, for people and for seeking by time; and the monotonic clock
    in seconds, for measuring between two records of one boot.
``cause``
    The record that caused this one, or null.
``event``
    The caller's JSON object; its ``type`` names the event. Without a newline: one write, one line, one
    record.
``crc``
    ``zlib.crc32(the line before ',"crc"', the crc of the record before)`` in eight lower-case hex digits,
    always the last 19 bytes of the line with its newline. It is a chain: a changed bit, and a line lost,
    repeated or moved, is found in its place. (It protects against accidents, not against forgers.) A reader
    that begins in the middle takes the chain from the line before, and so verifies all it yields.

Segments are named by their first record, ``00000000000000001042.jsonl``, so that a record is found by name,
then by bisection. The first record of each is a ``SegmentOpened`` with the format's version, the writer, the
chain's crc and a **checkpoint** of the caller's state before it: any one segment can be verified and replayed
alone, and opening a journal reads only the last. Within a segment the numbers have no hole.

What is missing is declared. ``JournalRepaired`` is the first record after bytes that were set aside on
opening: the torn end that a crash leaves (``*.broken``), or worse (``*.damaged``). ``JournalGap`` is the
second record of a segment before which records did not reach the disk. ``RecordsLost`` stands in the place of each
record that ``repair`` could not save. Whatever else is missing or changed is damage, and no reader passes over it
unasked.

Reading: ``JournalReader``. Writing: ``open_journal``, then ``OpenJournal.appender``. Care: ``survey``, ``repair``,
``expired`` and ``remove``; ``write_segment`` makes a stretch a segment of its own.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from journal.clock import Clock
from journal.errors import UNDECODABLE, Damaged, JournalError, Locked, NoJournal, UnknownFormat
from journal.files import OsFiles
from journal.format import (
    FORMAT,
    Decode,
    JournalGap,
    JournalRepaired,
    Record,
    RecordsLost,
    SegmentOpened,
    decode_as,
)
from journal.reader import JournalReader
from journal.survey import KindSurvey, SegmentSurvey, Survey, leftovers_of, survey

if TYPE_CHECKING:
    from journal.appender import Appender
    from journal.disk import Disk, DiskThread, InlineDisk
    from journal.exporting import write_segment
    from journal.lock import FileLock, writer_of
    from journal.opening import OpenJournal, open_journal
    from journal.options import AppenderOptions, Checkpoint, Degraded, Limits, Origin
    from journal.repairing import Loss, Repaired, repair
    from journal.retention import Expired, Retention, expired, remove

_BEYOND_READING = {
    "Appender": "journal.appender",
    **dict.fromkeys(("AppenderOptions", "Checkpoint", "Degraded", "Limits", "Origin"), "journal.options"),
    **dict.fromkeys(("Disk", "DiskThread", "InlineDisk"), "journal.disk"),
    **dict.fromkeys(("OpenJournal", "open_journal"), "journal.opening"),
    "write_segment": "journal.exporting",
    **dict.fromkeys(("FileLock", "writer_of"), "journal.lock"),
    **dict.fromkeys(("Loss", "Repaired", "repair"), "journal.repairing"),
    **dict.fromkeys(("Expired", "Retention", "expired", "remove"), "journal.retention"),
}
"""What is for writing (it brings asyncio along) and for care: whoever only reads a journal does not wait for it."""

__all__ = [
    "FORMAT",
    "UNDECODABLE",
    "Appender",
    "AppenderOptions",
    "Checkpoint",
    "Clock",
    "Damaged",
    "Decode",
    "Degraded",
    "Disk",
    "DiskThread",
    "Expired",
    "FileLock",
    "InlineDisk",
    "JournalError",
    "JournalGap",
    "JournalReader",
    "JournalRepaired",
    "KindSurvey",
    "Limits",
    "Locked",
    "Loss",
    "NoJournal",
    "OpenJournal",
    "Origin",
    "OsFiles",
    "Record",
    "RecordsLost",
    "Repaired",
    "Retention",
    "SegmentOpened",
    "SegmentSurvey",
    "Survey",
    "UnknownFormat",
    "decode_as",
    "expired",
    "leftovers_of",
    "open_journal",
    "remove",
    "repair",
    "survey",
    "write_segment",
    "writer_of",
]


def __getattr__(name: str) -> Any:
    """What is beyond reading, imported once it is asked for (PEP 562)."""
    if name not in _BEYOND_READING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_BEYOND_READING[name]), name)
