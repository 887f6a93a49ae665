"""Salvages a damaged journal in place: intact records stay byte for byte, each lost one is declared.

Every number keeps its line: in the place of a record that is lost stands ``RecordsLost``, and the last of them is
sealed, so that the records behind it continue it. A segment whose first line is lost becomes part of the one before.
Of every file that changes a copy is kept first (``*.damaged``). Half a line at the very end stays: the next start sets
it aside. A live journal is refused. Whether the records mean anything is not asked here.
"""

from contextlib import closing
from pathlib import Path

import msgspec

from journal.errors import NoJournal
from journal.files import OsFiles
from journal.format import Record, RecordsLost, decode_as, encode_body, encode_line, encode_tail
from journal.lock import WriterLock
from journal.reader import JournalReader
from journal.rewriting import Rewriting
from journal.sealing import seal
from journal.segment_reader import SegmentReader
from journal.segments import Segment, list_segments
from journal.setting_aside import copy, free_name
from journal.stretches import Stretch, first_record, stretches, without_first

_raw = decode_as(Record[msgspec.Raw])


class Loss(msgspec.Struct, frozen=True):
    """Records that could not be saved; ``last_seq`` None is "and whatever came after": nobody knows how many.

    ``file`` is where they should have been; ``kept_as`` is the copy of it that was kept.
    """

    file: Path
    first_seq: int
    last_seq: int | None
    reason: str
    kept_as: Path


class Repaired(msgspec.Struct, frozen=True):
    """What a repair did: the losses, oldest first, and each file that was replaced or removed with its kept copy."""

    losses: list[Loss]
    kept: dict[Path, Path]


def repair(directory: Path, files: OsFiles | None = None) -> Repaired:
    """Repair the journal in ``directory``. Where nothing is damaged nothing is changed.

    Raises ``NoJournal``, ``Locked``, ``UnknownFormat`` (nothing is changed then) and ``OSError``.
    """
    files = files or OsFiles()
    if not files.is_directory(directory):
        raise NoJournal(directory)
    lock = WriterLock(files, directory)
    try:
        damages: list[object] = []
        for _ in JournalReader(directory, _raw, on_damage=damages.append, files=files).records():
            pass
        return _Repair(files, list_segments(files, directory)).run() if damages else Repaired([], {})
    finally:
        lock.release()


class _Repair:
    def __init__(self, files: OsFiles, segments: list[Segment]) -> None:
        self._files = files
        self._segments = segments
        self._out: Rewriting | None = None
        self._latest: Stretch | None = None
        self._damage = ""  # what is behind the latest stretch, and in which file
        self._damaged = Path()
        self._emptied: list[Path] = []
        self._done = Repaired([], {})

    def run(self) -> Repaired:
        try:
            for segment in self._segments:
                for stretch in stretches(self._files, segment):
                    self._go_on(stretch)
                    if stretch.damage:
                        self._damage, self._damaged = stretch.damage, segment.path
                if self._out is None or self._out.path != segment.path:
                    self._empty(segment)
            self._end()
        finally:
            if self._out is not None:
                self._out.abandon()
        for path in self._emptied:
            self._files.remove(path)
        return self._done

    def _go_on(self, stretch: Stretch) -> None:
        out = self._out
        if out is not None and not stretch.is_empty:
            if stretch.begin.seq < out.seq:
                self._lose(stretch, f"the segment before has record {stretch.begin.seq}, too")
                return
            if not (stretch.opens and self._declares_missing(stretch, out.seq)):
                stretch = self._join(out, stretch)
        if stretch.is_empty:
            return
        if stretch.opens:
            self._finish()
            self._out = out = Rewriting(self._files, stretch)
        if out is None:
            self._lose(stretch, "without the segment's first record there is no state to begin from")
            return
        out.take(stretch)
        self._latest, self._damage = stretch, ""

    def _declares_missing(self, stretch: Stretch, seq: int) -> bool:
        with closing(SegmentReader(self._files, stretch.segment, _raw)) as reader:
            gap = reader.read_gap()
        return gap is not None and gap.first_seq <= seq

    def _join(self, out: Rewriting, stretch: Stretch) -> Stretch:
        """Fill the numbers up to a stretch so that it continues what is there; what is left of it."""
        while not stretch.is_empty and stretch.begin.seq == out.seq and stretch.begin.chain != out.chain:
            stretch = without_first(self._files, stretch)  # another journal's: the seal needs a place
        if lost := range(out.seq, stretch.begin.seq):
            damaged = self._damaged if self._damage else out.path
            reason = self._damage or f"the next segment begins with record {stretch.begin.seq}"
            kept_as = self._keep(damaged)
            self._done.losses.append(Loss(damaged, lost[0], lost[-1], reason, kept_as))
            stamp, _ = first_record(self._files, stretch)
            for seq in lost:
                notice = RecordsLost(first_seq=lost[0], last_seq=lost[-1], reason=reason, kept_as=kept_as.name)
                out.add(*_line(notice, seq, stamp, out.chain, stretch.begin.chain if seq == lost[-1] else None))
        return stretch

    def _lose(self, stretch: Stretch, reason: str) -> None:
        path = stretch.segment.path
        self._done.losses.append(Loss(path, stretch.begin.seq, stretch.end.seq - 1, reason, self._keep(path)))

    def _empty(self, segment: Segment) -> None:
        """Nothing of this file is used where it is; what a crash left when it was begun is the next start's affair."""
        with closing(SegmentReader(self._files, segment, _raw)) as reader:
            if segment is self._segments[-1] and reader.is_unwritten:
                return
        self._keep(segment.path)
        self._emptied.append(segment.path)

    def _end(self) -> None:
        out, latest = self._out, self._latest
        if out is None or latest is None:
            return
        if self._damage:
            stamp, _ = first_record(self._files, latest)
            kept_as = self._keep(self._damaged)
            self._done.losses.append(Loss(self._damaged, out.seq, None, self._damage, kept_as))
            notice = RecordsLost(first_seq=out.seq, last_seq=out.seq, reason=self._damage, kept_as=kept_as.name)
            out.add(*_line(notice, out.seq, stamp, out.chain, None))
        elif latest.segment is self._segments[-1]:
            out.take_rest(latest)
        self._finish()

    def _finish(self) -> None:
        if self._out is not None and self._out.differs:
            self._keep(self._out.path)
            self._out.finish()

    def _keep(self, path: Path) -> Path:
        """A copy of a file, made at most once."""
        if path not in self._done.kept:
            kept_as = free_name(self._files, path, "damaged")
            copy(self._files, path, kept_as)
            self._files.sync_directory(path.parent)
            self._done.kept[path] = kept_as
        return self._done.kept[path]


def _line(
    notice: RecordsLost, seq: int, stamp: Record[msgspec.Raw], chain: int, wanted: int | None
) -> tuple[bytes, int]:
    """The line that stands for a lost record, with another's times, and its checksum: the wanted one, if any."""

    def body(digits: str) -> bytes:
        event = msgspec.json.encode(msgspec.structs.replace(notice, seal=digits))
        return encode_body(seq, stamp.at.encode(), stamp.mono, None, event)

    if wanted is None:
        return encode_line(body(""), chain)
    return seal(body, chain, wanted) + encode_tail(wanted), wanted
