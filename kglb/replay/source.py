"""A journal of our events as the tools read it: its bounds, a moment in it, one record, a stretch.

It reads only, needs no lock, and prints nothing. What it raises on its own behalf is a ReplayError;
``Damaged``, ``NoJournal``, ``UnknownFormat`` and ``OSError`` come through from the journal.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

from journal.errors import UNDECODABLE, Damaged
from journal.files import OsFiles
from journal.format import FORMAT, Record, read_head
from journal.reader import JournalReader
from journal.segments import Segment
from kglb.events import Event, decode
from kglb.replay.errors import NothingRecordedError, OutOfRangeError
from kglb.replay.scan import lines_back
from kglb.replay.times import Moment
from kglb.replay.words import printable

Found = Record[Event]
Needles = bytes | tuple[bytes, ...]

_PREAMBLE = 160
"""Bytes of a line before which its event's type stands: number, times and cause take 116 at most."""


class Source:
    """The journal at ``path``: a directory or one segment. ``on_damage`` makes reading a salvage; ``files`` are the
    operating system's unless others are given.
    """

    def __init__(
        self, path: Path, *, on_damage: Callable[[Damaged], object] | None = None, files: OsFiles | None = None
    ) -> None:
        self.path = path
        self.reader: JournalReader[Event] = JournalReader(path, decode, on_damage=on_damage, files=files)

    def bounds(self) -> range:
        """The numbers of all records there are now. Raises NothingRecordedError."""
        segments = self.reader.segments()
        last = self.reader.seq_of_last(1)
        if not segments or self.reader.checkpoint() is None:
            raise NothingRecordedError(f"{self.path} has no record yet")
        return range(segments[0].first_seq, last + 1)

    def seq_until(self, moment: Moment) -> int:
        """The number of the last record at or before a moment; that before the first if there is none."""
        return self.reader.seq_until(moment.last)

    def resolve(self, seq: int | None, until: Moment | None) -> int:
        """The record meant by a number, a moment, or neither (the last one).

        Raises OutOfRangeError, NothingRecordedError.
        """
        bounds = self.bounds()
        extent = f"{self.path} holds records {bounds[0]} to {bounds[-1]}"
        if until is not None:
            seq = self.seq_until(until)
            if seq < bounds[0]:
                first = self.record(bounds[0])
                begun = "" if first is None else f", the first of {printable(first.at)}"
                raise OutOfRangeError(f"nothing was recorded up to {until.last}: {extent}{begun}")
        if seq is None:
            return bounds[-1]
        if seq not in bounds:
            raise OutOfRangeError(f"there is no record {seq}: {extent}")
        return seq

    def stretch(self, since: Moment | None, until: Moment | None) -> range:
        """The numbers of the records between two moments, both included. Raises OutOfRangeError."""
        bounds = self.bounds()
        first = bounds[0] if since is None else max(bounds[0], self.reader.seq_at(since.first))
        last = self.resolve(None, until)
        if first > last:
            raise OutOfRangeError(f"nothing was recorded then: {self.path} holds records {bounds[0]} to {bounds[-1]}")
        return range(first, last + 1)

    def record(self, seq: int) -> Found | None:
        """The record of that number; None if it is not (or no longer) in the journal."""
        found = next(self.reader.records(seq, 1), None)
        return found if found is not None and found.seq == seq else None

    def between(self, first: int, last: int) -> Iterator[Found]:
        """The records ``first`` to ``last``, both included, as far as they are there."""
        return takewhile(lambda record: record.seq <= last, self.reader.records(first))

    def search_back(self, needles: Needles, first: int, last: int, *types: type) -> Iterator[Found]:
        """The records ``first`` to ``last`` whose line holds any of these bytes, newest first; of these types, or any.

        It is a look at the bytes, many times as quick as reading, and nothing is verified: use ``record`` for what
        you come to believe.
        """
        for segment, lines in self._found_back(needles, first, last, types):
            yield from self._decoded(segment, lines)

    def lines_back(self, needles: Needles, first: int, last: int, *types: type) -> Iterator[bytes]:
        """The lines of those records, undecoded."""
        for _, lines in self._found_back(needles, first, last, types):
            yield from lines

    def _found_back(
        self, needles: Needles, first: int, last: int, types: tuple[type, ...]
    ) -> Iterator[tuple[Segment, Iterator[bytes]]]:
        """Of each segment, the lines."""
        sought = (needles,) if isinstance(needles, bytes) else needles
        wanted = tuple(b'"event":{"type":"%b"' % kind.__name__.encode() for kind in types) or (b"",)
        segments = self.reader.segments()
        ends = (*(segment.first_seq for segment in segments[1:]), last + 1)
        for segment, end in zip(reversed(segments), reversed(ends), strict=True):
            if end > first and segment.first_seq <= last:
                lines = lines_back(segment.path, *sought)
                found = (line for line in lines if any(text in line[:_PREAMBLE] for text in wanted))
                whole = first <= segment.first_seq and end <= last
                yield segment, found if whole else filter(_within(first, last), found)

    def _decoded(self, segment: Segment, lines: Iterable[bytes]) -> Iterator[Found]:
        """Lines of a segment, unverified; those that are not understood are left out."""
        read: Callable[[bytes], Found] | None = None
        for line in lines:
            if read is None:
                opened = self.reader.checkpoint(segment.first_seq)
                read = decode(FORMAT if opened is None else opened.event.format)
            with suppress(*UNDECODABLE):
                yield read(line)

    def last_with(self, needles: Needles, first: int, last: int, *types: type) -> Found | None:
        """The newest of those records, verified."""
        found = next(self.search_back(needles, first, last, *types), None)
        return None if found is None else self.record(found.seq)


def _within(first: int, last: int) -> Callable[[bytes], bool]:
    def is_within(line: bytes) -> bool:
        head = read_head(line)
        return head is not None and first <= head.seq <= last

    return is_within
