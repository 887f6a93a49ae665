"""Walks a journal from segment to segment, waits at its end, and notices when it was cut and went on otherwise.

What is missing between two segments is damage, unless the later one declares it in a ``JournalGap``.
Nothing here sleeps or writes.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Generic

import msgspec

from journal.errors import Damaged
from journal.files import OsFiles
from journal.format import Decode, E, Record, decode_as
from journal.segment_reader import SegmentReader
from journal.segments import Seeker, Segment

_REPAIRED = b'{"type":"JournalRepaired"'


class Follower(Generic[E]):
    """One walk along the segments that ``segments()`` lists, from record ``from_seq`` on.

    ``report`` is called with each damage that is not declared: it raises it, or returns to have it skipped.
    """

    def __init__(
        self,
        files: OsFiles,
        segments: Callable[[], list[Segment]],
        decode: Decode[E],
        from_seq: int,
        report: Callable[[Damaged], object],
    ) -> None:
        self._files = files
        self._segments = segments
        self._decode = decode
        self._from_seq = from_seq
        self._report = report
        self._reader: SegmentReader[E] | None = None

    def walk(self) -> Iterator[Record[E] | None]:
        """The records, for ever; None whenever there is no more yet."""
        try:
            self._open()
            while True:
                reader = self._reader
                following = self._following()
                if reader is not None:
                    yield from self._intact(reader, following)
                if reader is None or following is None:
                    yield None
                    self._catch_up()
                else:
                    self._cross(reader, following)
        finally:
            if self._reader is not None:
                self._reader.close()

    def _open(self) -> None:
        """Stand at ``from_seq``; or before it, where what is damaged or missing will be found in its place."""
        segments = self._segments()
        if not segments:
            return
        segment = segments[max(0, _count_up_to(segments, self._from_seq) - 1)]
        self._reader = SegmentReader(self._files, segment, self._decode)
        place = Seeker(self._files, self._reader.fd, segment).seek(lambda head: head.seq >= self._from_seq)
        if place.seq == self._from_seq:
            self._reader.go_to(place)

    def _following(self) -> Segment | None:
        """The segment after the one being read. Asked for before that is read, so that it is then read whole."""
        if self._reader is None:
            return None
        segments = self._segments()
        index = _count_up_to(segments, self._reader.segment.first_seq)
        return segments[index] if index < len(segments) else None

    def _intact(self, reader: SegmentReader[E], following: Segment | None) -> Iterator[Record[E]]:
        while True:
            try:
                for record in reader.available():
                    if record.seq >= self._from_seq:
                        yield record
                if following is None:
                    reader.check_newline()
            except Damaged as damaged:
                if following is not None and self._declares(following, damaged.seq):
                    return
                self._report(damaged)
                if reader.skip_damage():
                    continue
            return

    def _declares(self, following: Segment, seq: int) -> bool:
        """Whether a segment's ``JournalGap`` says that the records from ``seq`` up to it may be missing."""
        with closing(SegmentReader(self._files, following, self._decode)) as reader:
            gap = reader.read_gap()
        return gap is not None and gap.first_seq <= seq and gap.last_seq == following.first_seq - 1

    def _cross(self, reader: SegmentReader[E], following: Segment) -> None:
        """Go over to the next segment once its first line is whole."""
        ...

    def _catch_up(self) -> None:
        ...


def _count_up_to(segments: list[Segment], seq: int) -> int:
    return bisect_right(segments, seq, key=lambda segment: segment.first_seq)
