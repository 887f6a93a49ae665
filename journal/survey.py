"""What a journal is made of: segments, events by type, damage, and what was set aside. Reads only."""

import re
from bisect import bisect_right
from pathlib import Path

import msgspec

from journal.errors import Damaged
from journal.files import OsFiles
from journal.format import Record, decode_as
from journal.reader import JournalReader
from journal.segments import Segment

_LEFTOVER = re.compile(r"\d{20}\.jsonl\.(broken|damaged|repairing)(\.\d+)?")
"""What is taken out of a segment, and the draft of a repair; no other program's files, which may lie there, too."""


class _Tagged(msgspec.Struct):
    type: str


_decode = decode_as(Record[_Tagged])


class SegmentSurvey(msgspec.Struct):
    """One segment: its size and that of its first line, the checkpoint, in bytes; its records and their times."""

    name: str
    size: int
    checkpoint: int
    first_seq: int
    records: int = 0
    last_seq: int = 0
    first_at: str = ""
    last_at: str = ""


class KindSurvey(msgspec.Struct):
    """Events of one type: how many, and the number and time of the last."""

    count: int = 0
    last_seq: int = 0
    last_at: str = ""


class Survey(msgspec.Struct, frozen=True):
    """A journal as a whole: ``kinds`` with the commonest type first, ``leftovers`` with their sizes in bytes."""

    segments: tuple[SegmentSurvey, ...]
    kinds: dict[str, KindSurvey]
    damages: tuple[str, ...]
    leftovers: dict[str, int]

    @property
    def size(self) -> int:
        """Of all segments, in bytes."""
        return sum(segment.size for segment in self.segments)

    @property
    def records(self) -> int:
        """How many there are."""
        return sum(segment.records for segment in self.segments)


def survey(path: Path, files: OsFiles | None = None) -> Survey:
    """Read the journal at ``path``, past damage. Raises ``NoJournal``, ``UnknownFormat`` and ``OSError``."""
    files = files or OsFiles()
    damages: list[Damaged] = []
    reader = JournalReader(path, _decode, on_damage=damages.append, files=files)
    listed = reader.segments()
    segments = [_survey_segment(files, segment) for segment in listed]
    kinds: dict[str, KindSurvey] = {}
    for record in reader.records():
        segment = segments[bisect_right(listed, record.seq, key=_first_seq) - 1]
        segment.records += 1
        segment.first_at = segment.first_at or record.at
        segment.last_seq, segment.last_at = record.seq, record.at
        kind = kinds.get(record.event.type) or kinds.setdefault(record.event.type, KindSurvey())
        kind.count += 1
        kind.last_seq, kind.last_at = record.seq, record.at
    commonest = sorted(kinds.items(), key=lambda item: (-item[1].count, item[0]))
    leftovers = leftovers_of(path, files)
    return Survey(tuple(segments), dict(commonest), tuple(map(str, damages)), leftovers)


def leftovers_of(directory: Path, files: OsFiles) -> dict[str, int]:
    """What was set aside beside the segments, with sizes in bytes; nothing for a single segment."""
    if not files.is_directory(directory):
        return {}
    names = sorted(name for name in files.names(directory) if _LEFTOVER.fullmatch(name))
    return {name: files.size_of(directory / name) for name in names}


def _survey_segment(files: OsFiles, segment: Segment) -> SegmentSurvey:
    with segment.path.open("rb") as file:
        checkpoint = len(file.readline())
    return SegmentSurvey(segment.path.name, files.size_of(segment.path), checkpoint, segment.first_seq)


def _first_seq(segment: Segment) -> int:
    return segment.first_seq
