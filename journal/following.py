"""Walks a journal from segment to segment, waits at its end, and notices when it was cut.

What is missing between two segments is damage, unless the later one declares it in a ``JournalGap``.
Nothing here sleeps or writes.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain
from typing import Generic

import msgspec

from journal.errors import Damaged
from journal.files import OsFiles
from journal.format import Decode, E, Record, decode_as
from journal.segment_reader import SegmentReader
from journal.segments import Seeker, Segment, count_up_to

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

    def walk(self) -> Iterator[list[Record[E]]]:
        """The records, some at a time, for ever; none of them whenever there is no more yet."""
        try:
            self._open()
            while True:
                reader = self._reader
                following = self._following()
                if reader is not None:
                    yield from self._intact(reader, following)
                if reader is None or following is None or not self._cross(reader, following):
                    yield []
                    self._catch_up()
        finally:
            if self._reader is not None:
                self._reader.close()

    def _open(self) -> None:
        """Stand at ``from_seq``; or before it, so that what is damaged or missing is found in its place."""
        segments = self._segments()
        if not segments:
            return
        segment = segments[max(0, count_up_to(segments, self._from_seq) - 1)]
        self._reader = SegmentReader(self._files, segment, self._decode)
        place = Seeker(self._files, self._reader.fd, segment).seek(lambda head: head.seq >= self._from_seq)
        if place.seq == self._from_seq:
            self._reader.go_to(place)

    def _following(self) -> Segment | None:
        """The segment after the one being read; asked for before that is read, which is then read whole."""
        if self._reader is None:
            return None
        segments = self._segments()
        index = count_up_to(segments, self._reader.segment.first_seq)
        return segments[index] if index < len(segments) else None

    def _intact(self, reader: SegmentReader[E], following: Segment | None) -> Iterator[list[Record[E]]]:
        while True:
            try:
                for records in reader.available():
                    if records[0].seq >= self._from_seq:
                        yield records
                    elif records[-1].seq >= self._from_seq:
                        yield [record for record in records if record.seq >= self._from_seq]
                if following is None and not reader.is_stuck:
                    reader.check_rest()
            except Damaged as damaged:
                if following is not None and self._declares(following, damaged.seq):
                    return
                self._report(damaged)
                if reader.skip_damage():
                    continue
            return

    def _declares(self, following: Segment, seq: int) -> bool:
        """Whether a segment's ``JournalGap`` says that the records from ``seq`` up to it may be missing."""
        successor = self._opened(following)
        if successor is None:
            return False
        with closing(successor):
            gap = successor.read_gap()
        return gap is not None and gap.first_seq <= seq

    def _opened(self, segment: Segment) -> SegmentReader[E] | None:
        """A reader of a segment; None if it was set aside, or pruned, since it was listed."""
        try:
            return SegmentReader(self._files, segment, self._decode)
        except FileNotFoundError:
            if segment in self._segments():
                raise
            return None

    def _cross(self, reader: SegmentReader[E], following: Segment) -> bool:
        """Go over to the next segment, or see that it has gone; False while its first line is not whole."""
        is_newest = self._segments()[-1:] == [following]  # asked for first: a later one is begun once this is whole
        successor = self._opened(following)
        if successor is None:
            return True
        if successor.is_unwritten and is_newest:
            successor.close()
            return False
        self._reader = successor
        try:
            if successor.is_unwritten:
                successor.is_stuck = True
                reason = "the first line of a sealed segment has no end"
                self._report(Damaged(following.path, 1, following.first_seq, reason))
                return True
            gap = None if reader.is_stuck else self._gap_between(reader, successor)
            if gap is not None and not self._declares(following, gap.seq):
                self._report(gap)
        finally:
            reader.close()
        return True

    def _gap_between(self, reader: SegmentReader[E], successor: SegmentReader[E]) -> Damaged | None:
        """What is wrong between the end of one segment and the beginning of the next; None if all is well."""
        segment, following = reader.segment, successor.segment
        end, line = reader.place, reader.place.seq - reader.segment.first_seq + 1
        if not reader.is_at_end:
            return Damaged(segment.path, line, end.seq, "the last line of a sealed segment has no end")
        if end.seq != following.first_seq:
            missing = f"the next segment begins with record {following.first_seq}: records are missing, or in both"
            return Damaged(segment.path, line, end.seq, missing)
        if successor.opening_chain not in (None, end.chain):  # None is found and reported when it is read
            reason = "it does not continue the segment before it: that was changed, or is another journal's"
            return Damaged(following.path, 1, following.first_seq, reason)
        return None

    def _catch_up(self) -> None:
        """After a wait: there may be a first segment now, or what was read may have been cut away."""
        if self._reader is None:
            self._open()
        elif self._reader.was_rewritten():
            repaired = self._last_repair(self._reader.seq)
            if repaired is None and self._reader.place.offset == 0:
                repaired = self._reader.seq  # it was set aside before it had a first line: nothing of it was read
            if repaired is not None:
                self._reader.close()
                self._reader, self._from_seq = None, repaired
                self._open()

    def _last_repair(self, up_to_seq: int) -> int | None:
        segments = self._segments()
        index = count_up_to(segments, up_to_seq)
        if not index:
            return None
        with closing(SegmentReader(self._files, segments[index - 1], decode_as(Record[msgspec.Raw]))) as reader:
            found = chain.from_iterable(reader.available())
            repairs = [record.seq for record in found if bytes(record.event).startswith(_REPAIRED)]
        return max((seq for seq in repairs if seq <= up_to_seq), default=None)
