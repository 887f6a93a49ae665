"""Reads a journal, live or at rest, a directory or one segment, without a lock.

Times become numbers first (``seq_at``, ``seq_until``, ``seq_of_last``); everything is then read by number. Memory
does not grow with the journal. Damage is raised, unless the reader was given ``on_damage``. Nothing here writes or
sleeps.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import Generic

from journal.clock_steps import steady_runs
from journal.errors import Damaged
from journal.files import OsFiles
from journal.following import Follower
from journal.format import Decode, E, Head, Record, SegmentOpened
from journal.segment_reader import SegmentReader
from journal.segments import Seeker, Segment, count_up_to, find_segments


class JournalReader(Generic[E]):
    """The records at ``path``, decoded by ``decode``.

    With ``on_damage`` reading is a salvage: it is called at each damaged place, and reading goes on with the
    next record that is intact and follows the line before it. Without, ``Damaged`` is raised. Raises
    ``NoJournal`` if the path holds none; a directory without a segment is an empty journal.

    >>> reader = JournalReader(Path("/var/lib/kglb/journal"), decode_as(Record[Event]))  # doctest: +SKIP
    >>> for record in reader.records(reader.seq_at("2026-11-22T14:30")): ...  # doctest: +SKIP
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
        present = chain.from_iterable(takewhile(bool, self._walk(from_seq)))
        return present if limit is None else islice(present, limit)

    def follow(self, from_seq: int = 0) -> Iterator[Record[E] | None]:
        """The records from ``from_seq`` on, for ever; None whenever there is no more yet: then wait.

        A last line without its end is not damage but "not yet". If the journal was cut below what was yielded
        (a repair), it goes on with the ``JournalRepaired`` record.
        """
        for records in self._walk(from_seq):
            if records:
                yield from records
            else:
                yield None

    def seq_at(self, at: str) -> int:
        """The number of the first record at or after a time: in a record's own form, or any beginning of it.

        Where the clock stepped back, records behind it may be of earlier times again. Behind the last record it is the
        number the next one will have; in an empty journal 0.
        """
        wanted, end = at.encode(), 0
        for segment in self.segments():
            with closing(SegmentReader(self._files, segment, self._decode)) as reader:
                seeker = Seeker(self._files, reader.fd, segment)
                for run in steady_runs(seeker):
                    if run.last.at >= wanted:
                        return seeker.seek(lambda head: head.at >= wanted, run.start, run.end).seq
                end = seeker.end().seq
        return end

    def seq_until(self, at: str) -> int:
        """The number of the last record at or before a time in a record's own form; if none is, that before the first.

        Where the clock stepped back, records before it may be of later times.
        """
        wanted, begin = at.encode(), 1
        for segment in reversed(self.segments()):
            with closing(SegmentReader(self._files, segment, self._decode)) as reader:
                seeker = Seeker(self._files, reader.fd, segment)
                for run in reversed(list(steady_runs(seeker))):
                    if run.first.at <= wanted:
                        return seeker.seek(lambda head: head.at > wanted, run.start, run.end).seq - 1
            begin = segment.first_seq
        return begin - 1

    def seq_of_last(self, count: int) -> int:
        """The number to read from for the last ``count`` records, or for all if there are fewer."""
        seq = 0
        for segment in reversed(self.segments()):
            end = self._first_in(segment, lambda _: False)
            seq = max(segment.first_seq, end - count)
            count -= end - seq
            if count == 0:
                break
        return seq

    def checkpoint(self, at_or_before: int | None = None) -> Record[SegmentOpened] | None:
        """The newest ``SegmentOpened``, or the newest with at most this number; None if there is none.

        Raises ``Damaged``; a salvage goes back to the one before.
        """
        segments = self.segments()
        if at_or_before is not None:
            del segments[count_up_to(segments, at_or_before) :]
        for segment in reversed(segments):
            with closing(SegmentReader(self._files, segment, self._decode)) as reader:
                try:
                    opened = reader.read_opening()
                except Damaged as damaged:
                    self._report(damaged)
                    continue
            if opened is not None:
                return opened
        return None

    def _walk(self, from_seq: int) -> Iterator[list[Record[E]]]:
        return Follower(self._files, self.segments, self._decode, from_seq, self._report).walk()

    def _first_in(self, segment: Segment, wanted: Callable[[Head], bool]) -> int:
        """The number of the first record in a segment that is ``wanted``, or of the one behind its last."""
        with closing(SegmentReader(self._files, segment, self._decode)) as reader:
            return Seeker(self._files, reader.fd, segment).seek(wanted).seq

    def _report(self, damaged: Damaged) -> None:
        if self._on_damage is None:
            raise damaged
        self._on_damage(damaged)
