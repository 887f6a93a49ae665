"""Opens a journal for writing: takes the lock, sets damage aside, finds the newest checkpoint.

Only the newest segment is read (it begins with a checkpoint of everything before). What follows its last
valid record is torn off, as a crash may have left it; if it has no valid first record, the segment before it
takes its place, and so on. Bytes are never thrown away: what is torn off is kept beside the segments as
``*.broken`` or ``*.damaged``.
"""

from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

import msgspec

from journal.appender import Appender
from journal.errors import Damaged
from journal.files import OsFiles
from journal.format import Decode, E, JournalRepaired, Record, SegmentOpened, decode_as
from journal.lock import WriterLock
from journal.options import AppenderOptions, Checkpoint, End, Origin
from journal.segment_reader import SegmentReader
from journal.segments import Place, Seeker, Segment, list_segments
from journal.setting_aside import copy, free_name

_raw = decode_as(Record[msgspec.Raw])


class OpenJournal:
    """A journal held for writing: fold ``checkpoint`` and ``records()``, then append with ``appender()``.

    ``opened`` is the newest segment's first record, with the checkpoint; None if the journal is new or
    nothing of it could be kept. ``repairs`` is what was set aside; the appender records it first.
    """

    def __init__(self, files: OsFiles, directory: Path) -> None:
        self._files = files
        self._directory = directory
        files.make_directory(directory)
        self._lock = WriterLock(files, directory)
        self.repairs: list[JournalRepaired] = []
        self.opened: Record[SegmentOpened] | None = None
        self._end = End(0, 0)
        try:
            self._find_end()
        except BaseException:
            self._lock.release()
            raise

    @property
    def checkpoint(self) -> msgspec.Raw | None:
        """The newest checkpoint as it was given to ``rotate``; None in a new journal."""
        return self.opened.event.checkpoint if self.opened else None

    @property
    def left_open_in(self) -> str:
        """The boot in which the last writer ended before everything was on the platter; empty if it did not."""
        return self._lock.left_open_in

    @property
    def last_seq(self) -> int:
        """The number of the last record."""
        return self._end.seq

    def records(self, decode: Decode[E]) -> Iterator[Record[E]]:
        """The records after the newest checkpoint. Raises ``Damaged`` at one that does not decode.

        If one does not decode or does not fold, call ``set_aside_from`` with its number and begin again.
        """
        if self.opened is None:
            return
        with closing(SegmentReader(self._files, self._newest, decode)) as reader:
            yield from islice(chain.from_iterable(reader.available()), 1, None)

    def set_aside_from(self, seq: int, reason: str) -> None:
        """Cut the journal before record ``seq``; the rest is kept as ``*.damaged``. Raises ``OSError``."""
        for segment in reversed(list_segments(self._files, self._directory)):
            place = Place(0, segment.first_seq, None)
            if segment.first_seq < seq:
                place = self._seek(segment, seq)
            self._set_aside(segment, place, "damaged", reason)
            if place.offset:
                break
        self._find_end()

    def appender(self, origin: Origin, checkpoint: Checkpoint, options: AppenderOptions | None = None) -> Appender:
        """Go on appending, on the running loop; the lock goes over to the appender. Once. Raises ``OSError``.

        ``checkpoint`` is called when records were lost, to go on from the state that they led to.
        """
        options = options or AppenderOptions()
        self._lock.begin(origin.boot_id)
        appender = Appender(
            files=self._files,
            directory=self._directory,
            lock=self._lock,
            end=self._end,
            origin=origin,
            checkpoint=checkpoint,
            options=options,
        )
        for repair in self.repairs:
            appender.append(msgspec.json.encode(repair))
        return appender

    def close(self) -> None:
        """Let go of the journal without appending."""
        self._lock.release()

    def _find_end(self) -> None:
        """Find the newest segment with a checkpoint, set aside what is behind its last valid record."""
        kind = "broken"
        self.opened = None
        for segment in reversed(list_segments(self._files, self._directory)):
            with closing(SegmentReader(self._files, segment, _raw)) as reader:
                reason = _read_through(reader)
                place = reader.place
            if reader.opened is not None:
                self._set_aside(segment, place, kind, reason)
                self.opened, self._newest = reader.opened, segment
                assert place.chain is not None
                self._end = End(place.seq - 1, place.chain, segment, place.offset, reader.opening_size)
                return
            self._set_aside(segment, Place(0, segment.first_seq, None), kind, reason)
            kind = "damaged"
        self._end = End(min((repair.seq for repair in self.repairs), default=1) - 1, 0)

    def _seek(self, segment: Segment, seq: int) -> Place:
        fd = self._files.open_read(segment.path)
        try:
            return Seeker(self._files, fd, segment).seek(lambda head: head.seq >= seq)
        finally:
            self._files.close(fd)

    def _set_aside(self, segment: Segment, place: Place, kind: str, reason: str) -> None:
        """Keep what a segment has from ``place`` on, if anything, under another name, and cut it there."""
        size = self._files.size_of(segment.path)
        if place.offset == size > 0:
            return
        kept_as = free_name(self._files, segment.path, kind)
        if place.offset == 0:
            self._files.rename(segment.path, kept_as)
        else:
            copy(self._files, segment.path, kept_as, place.offset)
            self._truncate(segment.path, place.offset)
        self._files.sync_directory(self._directory)
        self.repairs.append(
            JournalRepaired(
                file=segment.path.name,
                seq=place.seq,
                size=size - place.offset,
                kept_as=kept_as.name,
                reason=reason,
            )
        )

    def _truncate(self, path: Path, size: int) -> None:
        fd = self._files.open_append(path)
        try:
            self._files.truncate(fd, size)
            self._files.sync(fd)
        finally:
            self._files.close(fd)


def open_journal(directory: Path, files: OsFiles | None = None) -> OpenJournal:
    """Open the journal in ``directory`` for writing; make it if it is not there, repair it if it must be.

    Raises ``Locked`` if another process writes it, ``UnknownFormat`` if its newest segment is of another
    format (nothing is changed then), and ``OSError``.
    """
    return OpenJournal(files or OsFiles(), directory)


def _read_through(reader: SegmentReader[msgspec.Raw]) -> str:
    """Read to the end of what is valid; why there is more than that, if there is."""
    try:
        reader.pass_over()
    except Damaged as damaged:
        return damaged.reason
    return "the last line has no end"
