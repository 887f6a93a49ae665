"""A journal's segments by name, and finding a place inside one without reading it.

Within a segment the records' numbers are consecutive, one a line, so a number is a line number and back.
Nothing here verifies checksums (``segment_reader`` does) and nothing here writes.
"""

import re
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

import msgspec

from journal.errors import NoJournal
from journal.files import OsFiles
from journal.format import TAIL_SIZE, Head, read_crc, read_head

_NAME = re.compile(r"(\d{20})\.jsonl\Z")
_WINDOW = 4096
_HEAD_SIZE = 128


class Segment(msgspec.Struct, frozen=True, order=True):
    """One file of a journal; its first record is number ``first_seq``."""

    first_seq: int
    path: Path


class Place(msgspec.Struct, frozen=True):
    """Where a line begins: its offset, the number expected there, and the checksum of the line before.

    ``chain`` is None at a segment's first line, which names it itself.
    """

    offset: int
    seq: int
    chain: int | None


def segment_path(directory: Path, first_seq: int) -> Path:
    """The file of the segment that begins with record ``first_seq``."""
    return directory / f"{first_seq:020}.jsonl"


def list_segments(files: OsFiles, directory: Path) -> list[Segment]:
    """A directory's segments, oldest first."""
    found = (_NAME.match(name) for name in files.names(directory))
    return sorted(Segment(int(match[1]), directory / match[0]) for match in found if match)


def count_up_to(segments: list[Segment], seq: int) -> int:
    """How many segments begin at or before a record."""
    return bisect_right(segments, seq, key=lambda segment: segment.first_seq)


def find_segments(files: OsFiles, path: Path) -> list[Segment]:
    """The segments of a directory, or the one that ``path`` is, under any name. Raises ``NoJournal``."""
    if files.is_directory(path):
        return list_segments(files, path)
    if not files.exists(path):
        raise NoJournal(path)
    head = first_head(files, path)
    if head is None:
        raise NoJournal(path)
    return [Segment(head.seq, path)]


def first_head(files: OsFiles, path: Path) -> Head | None:
    """The number and time of the first record in a file; None if it does not begin like a segment."""
    fd = files.open_read(path)
    try:
        return read_head(files.read(fd, _HEAD_SIZE, 0))
    finally:
        files.close(fd)


class Seeker:
    """Finds lines in one open segment by bisection on bytes, in O(log size) small reads."""

    def __init__(self, files: OsFiles, fd: int, segment: Segment) -> None:
        self._files = files
        self._fd = fd
        self._segment = segment
        self.size = files.size(fd)

    def seek(self, wanted: Callable[[Head], bool], low: int = 0, high: int | None = None) -> Place:
        """The first line that is ``wanted``, as all after it must be; else the end of the last whole line.

        ``low`` and ``high`` bound where a line begins that may be wanted; without one it is the line at ``high``.
        """
        high = self.size if high is None else high
        while low < high:
            middle = (low + high) // 2
            found = self.line_from(middle)
            if found is None or wanted(found[1]):
                high = middle
            else:
                low = found[0] + 1
        found = self.line_from(low)
        return self._place(found[0], found[1].seq) if found else self.end()

    def end(self) -> Place:
        """Behind the last whole line."""
        offset = self._line_start_before(self.size)
        if offset == 0:
            return Place(0, self._segment.first_seq, None)
        last = self._head_at(self._line_start_before(offset - 1))
        return self._place(offset, last.seq + 1 if last else self._segment.first_seq)

    def _place(self, offset: int, seq: int) -> Place:
        if offset == 0:
            return Place(0, seq, None)
        end = offset - 1
        start = max(0, end - TAIL_SIZE)  # the line before may be shorter than any record
        return Place(offset, seq, read_crc(self._files.read(self._fd, end - start, start)) or 0)

    def _head_at(self, offset: int) -> Head | None:
        return read_head(self._files.read(self._fd, _HEAD_SIZE, offset))

    def line_before(self, offset: int) -> tuple[int, Head] | None:
        """The last line that ends at ``offset`` or before, is whole, and begins like a record."""
        while offset > 0:
            offset = self._line_start_before(max(0, self._line_start_before(offset) - 1))
            head = self._head_at(offset)
            if head is not None:
                return offset, head
        return None

    def line_from(self, offset: int) -> tuple[int, Head] | None:
        """The first line that begins at ``offset`` or later, is whole, and begins like a record."""
        start = offset if offset == 0 else self._after_newline(offset - 1)
        while start is not None:
            following = self._after_newline(start)
            if following is None:
                return None
            head = self._head_at(start)
            if head is not None:
                return start, head
            start = following
        return None

    def _after_newline(self, offset: int) -> int | None:
        """The offset behind the first newline at ``offset`` or later."""
        size = _WINDOW
        while window := self._files.read(self._fd, size, offset):
            at = window.find(b"\n")
            if at >= 0:
                return offset + at + 1
            offset += len(window)
            size = min(2 * size, 1 << 20)
        return None

    def _line_start_before(self, end: int) -> int:
        """The offset behind the last newline before ``end``; 0 if there is none."""
        size = _WINDOW
        while end > 0:
            start = max(0, end - size)
            at = self._files.read(self._fd, end - start, start).rfind(b"\n")
            if at >= 0:
                return start + at + 1
            end = start
            size = min(2 * size, 1 << 20)
        return 0
