"""Reads a journal, live or at rest, directory or one segment, without a lock: by number, by time, from the end, for ever.

Times become numbers first (``seq_at``, ``seq_of_last``); everything is then read by number. Memory does not grow with the
journal. Damage is raised, unless the reader was given ``on_damage``. Nothing here writes or sleeps.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice, takewhile
from pathlib import Path
from typing import Generic

from journal.errors import Damaged, NoJournal
from journal.files import OsFiles
from journal.format import Decode, E, JournalRepaired, Record, SegmentOpened, decode_as
from journal.segment_reader import SegmentReader
from journal.segments import Place, Seeker, Segment, find_segments, first_head


class JournalReader(Generic[E]):
    """The records at ``path``, decoded by ``decode``.

    With ``on_damage`` reading is a salvage: it is called at each damaged place and reading goes on with the next record
    that is intact and follows the line before it. Without, ``Damaged`` is raised. Raises ``NoJournal`` if the path
    holds none; a directory without a segment is an empty journal.
    """

    def __init__(
        self,
        path: Path,
        decode: Decode[E],
        *,
        on_damage: Callable[[Damaged], object] | None = None,
        files: OsFiles | None = None,
    ) -> None:
        self._path = path
        self._decode = decode
        self._on_damage = on_damage
        self._files = files or OsFiles()
        self.segments()

    def segments(self) -> list[Segment]:
        """The segments there are now, oldest first."""
        return find_segments(self._files, self._path)

    def records(self, from_seq: int = 0, limit: int | None = None) -> Iterator[Record[E]]:
        """The records from ``from_seq`` (or the oldest there is) to the last one now; at most ``limit``."""
        present = takewhile(lambda record: record is not None, self.follow(from_seq))
        return islice((record for record in present if record is not None), limit)

    def follow(self, from_seq: int = 0) -> Iterator[Record[E] | None]:
        """The records from ``from_seq`` on, for ever; None whenever there is no more yet: wait then, as suits you.

        A last line without its end is not damage but "not yet". If the journal was cut below what was yielded (a
        repair), it goes on with the ``JournalRepaired`` record.
        """
        current = self._open(from_seq)
        try:
            while True:
                if current is None:
                    yield None
                    current = self._open(from_seq)
                    continue
                for record in self._intact(current):
                    if record.seq >= from_seq:
                        yield record
                following = self._after(current.segment)
                if following is None:
                    self._check(current.check_newline)
                    yield None
                    if current.was_rewritten():
                        current, from_seq = self._resume(current)
                    continue
                for record in self._intact(current):  # what was written before the next segment was opened
                    if record.seq >= from_seq:
                        yield record
                current = self._cross(current, following)
        finally:
            if current is not None:
                current.close()

    def seq_at(self, at: str) -> int:
        """The number of the first record at or after a time: in a record's own form, or any beginning of it.

        Where the clock stepped back it is the number of a record that is not earlier, after one that is. Behind the
        last record it is the number the next one will have.
        """
        wanted = at.encode()
        segments = self.segments()
        index = bisect_left(segments, wanted, key=self._time_of)
        return self._seek(segments[index - 1], wanted).seq if index else next_of(segments)

    def seq_of_last(self, count: int) -> int:
        """The number to read from for the last ``count`` records (or all there are)."""
        segments = self.segments()
        for segment in reversed(segments):
            end = self._end(segment).seq
            if end - segment.first_seq >= count:
                return end - count
            count -= end - segment.first_seq
        return next_of(segments)

    def checkpoint(self, at_or_before: int | None = None) -> Record[SegmentOpened] | None:
        """The newest ``SegmentOpened`` with at most this number; None if there is none. Raises ``Damaged``."""
        segments = self.segments()
        known = len(segments) if at_or_before is None else bisect_right(segments, at_or_before, key=_first_seq)
        for segment in reversed(segments[:known]):
            with closing(SegmentReader(self._files, segment, self._decode)) as reader:
                if self._check(reader.read_opening) and reader.opened is not None:
                    return reader.opened
        return None

    def _time_of(self, segment: Segment) -> bytes:
        head = first_head(self._files, segment.path)
        return head.at if head else b"\xff"  # the newest, not written yet

    def _seek(self, segment: Segment, wanted: bytes) -> Place:
        fd = self._files.open_read(segment.path)
        try:
            return Seeker(self._files, fd, segment).seek(lambda head: head.at >= wanted)
        finally:
            self._files.close(fd)

    def _end(self, segment: Segment) -> Place:
        fd = self._files.open_read(segment.path)
        try:
            return Seeker(self._files, fd, segment).end()
        finally:
            self._files.close(fd)

    def _open(self, from_seq: int) -> SegmentReader[E] | None:
        """A reader at ``from_seq``, or where reading must begin to come to it; None while there is no segment."""
        segments = self.segments()
        if not segments:
            return None
        index = max(0, bisect_right(segments, from_seq, key=_first_seq) - 1)
        reader = SegmentReader(self._files, segments[index], self._decode)
        place = Seeker(self._files, reader.fd, segments[index]).seek(lambda head: head.seq >= from_seq)
        if place.seq == from_seq and place.offset:  # else from the first line: what is damaged is then found in its place
            reader.go_to(place)
        return reader

    def _after(self, segment: Segment) -> Segment | None:
        if not self._files.is_directory(self._path):
            return None
        segments = self.segments()
        index = bisect_right(segments, segment.first_seq, key=_first_seq)
        return segments[index] if index < len(segments) else None

    def _intact(self, reader: SegmentReader[E]) -> Iterator[Record[E]]:
        """What can be read now; damage is reported and skipped if this is a salvage, or if the journal owns up to it."""
        while True:
            try:
                yield from reader.available()
            except Damaged as damaged:
                if self._is_declared(reader, damaged.seq):
                    return
                self._report(damaged)
                if not reader.skip_damage():
                    return
            else:
                return

    def _is_declared(self, reader: SegmentReader[E], seq: int) -> bool:
        """Whether the next segment's ``JournalGap`` says that this record may be missing."""
        following = self._after(reader.segment)
        if following is None:
            return False
        with closing(SegmentReader(self._files, following, self._decode)) as successor:
            return _covers(successor, seq)

    def _cross(self, current: SegmentReader[E], following: Segment) -> SegmentReader[E]:
        """Go over to the next segment; what is missing between the two must be declared by its ``JournalGap``."""
        successor = SegmentReader(self._files, following, self._decode)
        end = current.place
        current.close()
        opened = self._check(successor.read_opening)
        ...
        return successor

    def _check(self, step: Callable[[], object]) -> bool:
        """Do it; False if it met damage that was reported."""
        try:
            step()
        except Damaged as damaged:
            self._report(damaged)
            return False
        return True

    def _report(self, damaged: Damaged) -> None:
        if self._on_damage is None:
            raise damaged
        self._on_damage(damaged)
