"""A journal of our events as the tools read it: its bounds, a moment in it, one record, a stretch.

It reads only, needs no lock, and prints nothing. What it raises on its own behalf is a ReplayError;
``Damaged``, ``NoJournal``, ``UnknownFormat`` and ``OSError`` come through from the journal.
"""

from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

from journal.errors import Damaged
from journal.format import Record, read_head
from journal.reader import JournalReader
from kglb.events import Event, decode
from kglb.replay.errors import NothingRecordedError, OutOfRangeError
from kglb.replay.times import Moment, after

Found = Record[Event]


class Source:
    """The journal at ``path``: a directory or one segment. ``on_damage`` makes reading a salvage."""

    def __init__(self, path: Path, *, on_damage: Callable[[Damaged], object] | None = None) -> None:
        self.path = path
        self.reader: JournalReader[Event] = JournalReader(path, decode, on_damage=on_damage)

    def bounds(self) -> range:
        """The numbers of all records there are now. Raises NothingRecordedError."""
        segments = self.reader.segments()
        last = self.reader.seq_of_last(1)
        if not segments or self.reader.checkpoint() is None:
            raise NothingRecordedError(f"{self.path} has no record yet")
        return range(segments[0].first_seq, last + 1)

    def seq_until(self, moment: Moment) -> int:
        """The number of the last record at or before a moment; that before the first if there is none."""
        return self.reader.seq_at(after(moment.last)) - 1

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
                begun = "" if first is None else f", the first of {first.at}"
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

    def seqs_with(self, needle: bytes, first: int, last: int) -> Iterator[int]:
        """The numbers of the records ``first`` to ``last`` whose line holds ``needle``, by a look at the bytes.

        Several times as quick as reading, but nothing is verified: read a record before you believe it.
        """
        segments = self.reader.segments()
        ends = (*(segment.first_seq for segment in segments[1:]), last + 1)
        for segment, end in zip(segments, ends, strict=False):
            if end > first and segment.first_seq <= last:
                with segment.path.open("rb") as lines:
                    heads = [read_head(line) for line in lines if needle in line]
                yield from (head.seq for head in heads if head is not None and first <= head.seq <= last)
