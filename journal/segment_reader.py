"""Reads one segment forward: whole lines only, every checksum verified, each line decoded in one pass.

It can stand at the end of a file that still grows and go on later. It never skips anything unless told to
(``skip_damage``), keeps at most one chunk and its records in memory (or one line, if longer), and never writes.
LONGEST_LINE bytes without a newline are damage. The first chunks are small, for callers that want one record; they grow
for callers that want all.
"""

from collections.abc import Callable, Iterator
from typing import Generic
from zlib import crc32

import msgspec

from journal.errors import UNDECODABLE, Damaged
from journal.files import OsFiles
from journal.format import (
    FORMAT,
    TAIL_SIZE,
    Decode,
    E,
    JournalGap,
    Record,
    SegmentOpened,
    continues,
    encode_tail,
    explain_damage,
    read_crc,
    read_head,
)
from journal.segments import Place, Segment

LONGEST_LINE = 256 << 20
"""Bytes: a checkpoint of half a million reals."""

_FIRST_CHUNK, _CHUNK = 8 * 1024, 64 * 1024

_opening = msgspec.json.Decoder(Record[SegmentOpened])
_gap = msgspec.json.Decoder(Record[JournalGap])


def _read_opening(line: bytes) -> tuple[Record[SegmentOpened], int] | None:
    """A segment's first record, unverified, and the checksum that it continues; None if the line is not one."""
    try:
        opened = _opening.decode(line)
        return opened, int(opened.event.chain, 16)
    except (*UNDECODABLE, ValueError):
        return None


class SegmentReader(Generic[E]):
    """A place in one segment, and the records from there on.

    ``opened`` is the first record, None until it was read; ``opening_size`` its length. ``seq`` is the next
    record's number. ``is_stuck`` says that nothing intact was found behind a damage.
    """

    def __init__(self, files: OsFiles, segment: Segment, decode: Decode[E]) -> None:
        self.segment = segment
        self.opened: Record[SegmentOpened] | None = None
        self.opening_size = 0
        self._files = files
        self._decode = decode
        self._decode_line: Callable[[bytes], Record[E]] | None = None
        self._chunk_size = _FIRST_CHUNK
        self._offset = 0
        self._chain: int | None = None
        self.is_stuck = False
        self.seq = segment.first_seq
        self.fd = files.open_read(segment.path)

    def close(self) -> None:
        """Give the file back."""
        self._files.close(self.fd)

    @property
    def place(self) -> Place:
        """Where the next line begins; settled whenever ``available`` has ended or raised."""
        return Place(self._offset, self.seq, self._chain)

    def go_to(self, place: Place) -> None:
        """Go on at ``place``; what is read from there is verified against the line before it."""
        self._offset, self.seq, self._chain = place.offset, place.seq, place.chain

    def available(self) -> Iterator[list[Record[E]]]:
        """The records from here to the last whole line now, some at a time. Raises ``Damaged``, ``UnknownFormat``."""
        if self.is_stuck and not self.skip_damage():
            return
        if self._decode_line is None and not self._settle_opening():
            return
        while chunk := self._whole_lines(self._offset):
            yield from self._verified(chunk)

    def pass_over(self) -> None:
        """Go behind the last whole line now: checksums are verified, nothing is decoded. Raises as ``available``."""
        if self._decode_line is None and not self._settle_opening():
            return
        while chunk := self._whole_lines(self._offset):
            self._pass_over(chunk)

    def read_opening(self) -> Record[SegmentOpened] | None:
        """The first record, verified; None if not whole yet. Raises ``Damaged``, ``UnknownFormat``."""
        self._settle_opening()
        return self.opened

    def read_gap(self) -> JournalGap | None:
        """The second record, if it is a gap."""
        line = self.line_at(len(self.line_at(0)))
        try:
            return _gap.decode(line).event
        except UNDECODABLE:
            return None

    def skip_damage(self) -> bool:
        """Go to the next line that is intact and follows the line before it; False if there is none (yet)."""
        if self._decode_line is None:
            self._decode_line = self._decode(FORMAT)
        offset = self._offset
        chain: int | None = None
        while chunk := self._whole_lines(offset):
            for line in chunk.split(b"\n")[:-1]:
                head = read_head(line)
                if chain is not None and head and head.seq >= self.seq and continues(line, chain):
                    self.go_to(Place(offset, head.seq, chain))
                    self.is_stuck = False
                    return True
                chain = read_crc(line)
                offset += len(line) + 1
        self.is_stuck = True
        return False

    @property
    def is_unwritten(self) -> bool:
        """Whether not even the first line is whole."""
        return not self.line_at(0)

    @property
    def opening_chain(self) -> int | None:
        """The checksum of the record before, as the first line has it; None if that cannot be read."""
        opening = _read_opening(self.line_at(0))
        return opening and opening[1]

    @property
    def is_at_end(self) -> bool:
        """Whether not a byte follows what was read."""
        return self._files.size(self.fd) == self._offset

    def check_rest(self) -> None:
        """What follows the last whole line may be the beginning of one, nothing else. Raises ``Damaged``."""
        left = max(0, self._files.size(self.fd) - self._offset)
        rest = self._files.read(self.fd, min(left, LONGEST_LINE), self._offset)
        if b"\n" in rest:
            return  # more has come meanwhile
        if left > LONGEST_LINE:
            raise self._damaged(self.seq, f"expected a record, found {left} bytes without a newline")
        if b"\0" in rest:
            raise self._damaged(self.seq, "expected the beginning of a record, found zero bytes")
        line = rest[:-1]
        if read_crc(line) is None:
            return
        opening = _read_opening(line) if self._chain is None else None
        chain = opening[1] if opening else self._chain
        if chain is not None and continues(line, chain):
            raise self._damaged(self.seq, f"expected a newline after the record, found {rest[-1:]!r}")

    def was_rewritten(self) -> bool:
        """Whether what was read up to here is no longer what the segment's path holds."""
        if not self._files.is_at(self.fd, self.segment.path):
            return True
        if self._chain is None:
            return False
        before = encode_tail(self._chain)
        if self._offset < len(before):
            return False
        return self._files.read(self.fd, len(before), self._offset - len(before)) != before

    def _settle_opening(self) -> bool:
        if self._decode_line is not None:
            return True
        line = self.line_at(0)
        if not line:
            return False
        seq = self.segment.first_seq
        opening = _read_opening(line)
        if opening is None:
            raise self._damaged(seq, "expected a SegmentOpened, found a line that cannot be read as one")
        opened, chain = opening
        if not continues(line[:-1], chain) or opened.seq != seq:
            raise self._damaged(seq, explain_damage(line[:-1], seq))
        self._decode_line = self._decode(opened.event.format)
        self.opened, self.opening_size = opened, len(line)
        if self._chain is None:
            self._chain = chain
        return True

    def _verified(self, chunk: bytes) -> Iterator[list[Record[E]]]:
        """The records of whole lines, in one go; what is intact before a damage is yielded before that is raised."""
        assert self._decode_line is not None
        lines, reason = self._intact(chunk)
        records: list[Record[E]] = []
        try:
            records.extend(map(self._decode_line, lines))  # those before one that raises are kept
        except UNDECODABLE as error:
            reason = f"the bytes are as they were written, but not understood: {error}"
        seqs = range(self.seq, self.seq + len(records))
        if [record.seq for record in records] != list(seqs):
            wrong = next(at for at, (record, seq) in enumerate(zip(records, seqs, strict=True)) if record.seq != seq)
            reason = explain_damage(lines[wrong], seqs[wrong])
            del records[wrong:]
        if records:
            yield records
        self._advance(chunk, lines[: len(records)], reason)

    def _pass_over(self, chunk: bytes) -> None:
        self._advance(chunk, *self._intact(chunk))

    def _intact(self, chunk: bytes) -> tuple[list[bytes], str]:
        """The lines of a chunk as far as each continues the one before it, and why the next one does not."""
        assert self._chain is not None
        chain = self._chain
        lines = chunk.split(b"\n")
        lines.pop()
        for number, line in enumerate(lines):
            chain = crc32(line[:-TAIL_SIZE], chain)
            if line[-TAIL_SIZE:] != b',"crc":"%08x"}' % chain:
                return lines[:number], explain_damage(line, self.seq + number)
        return lines, ""

    def _advance(self, chunk: bytes, read: list[bytes], reason: str) -> None:
        """Go behind these lines of a chunk; raises ``Damaged`` for the next one if there is a reason."""
        self._offset += len(chunk) if not reason else sum(map(len, read)) + len(read)
        if read:
            self._chain = read_crc(read[-1])
        self.seq += len(read)
        if reason:
            raise self._damaged(self.seq, reason)

    def _damaged(self, seq: int, reason: str) -> Damaged:
        return Damaged(self.segment.path, seq - self.segment.first_seq + 1, seq, reason)

    def line_at(self, offset: int) -> bytes:
        """The line at ``offset`` with its newline; empty if it is not whole yet."""
        chunk = self._whole_lines(offset)
        return chunk[: chunk.find(b"\n") + 1]

    def _whole_lines(self, offset: int) -> bytes:
        """Some whole lines from ``offset`` on; empty if there is not one yet."""
        size = self._chunk_size
        self._chunk_size = min(2 * size, _CHUNK)
        while True:
            chunk = self._files.read(self.fd, size, offset)
            end = chunk.rfind(b"\n") + 1
            if end or len(chunk) < size or size >= LONGEST_LINE:
                return chunk[:end]
            size = min(2 * size, LONGEST_LINE)
