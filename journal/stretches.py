"""What of a journal is intact, as stretches of bytes in its files. Reads only, verifies checksums, decodes nothing."""

from collections.abc import Iterator
from contextlib import closing

import msgspec

from journal.errors import Damaged
from journal.files import OsFiles
from journal.format import Record, decode_as
from journal.segment_reader import SegmentReader
from journal.segments import Place, Segment

_raw = decode_as(Record[msgspec.Raw])
_record = msgspec.json.Decoder(Record[msgspec.Raw])


class Stretch(msgspec.Struct, frozen=True):
    """Intact records of one segment, from ``begin`` to before ``end``; ``begin.chain`` is what the first continues.

    It may be empty. ``damage`` is what comes behind it: empty if nothing does, but perhaps half a line.
    """

    segment: Segment
    begin: Place
    end: Place
    damage: str

    @property
    def opens(self) -> bool:
        """Whether it begins with the segment's own first record."""
        return self.begin.offset == 0 < self.end.offset

    @property
    def is_empty(self) -> bool:
        """Whether there is no record in it."""
        return self.begin.offset == self.end.offset


def stretches(files: OsFiles, segment: Segment) -> Iterator[Stretch]:
    """The stretches of a segment, at least one. Raises ``UnknownFormat`` and ``OSError``."""
    with closing(SegmentReader(files, segment, _raw)) as reader:
        while True:
            begin = reader.place
            damage = _pass_over(reader)
            if begin.chain is None:
                begin = msgspec.structs.replace(begin, chain=reader.opening_chain or 0)
            yield Stretch(segment, begin, reader.place, damage)
            if not damage or not reader.skip_damage():
                return


def first_record(files: OsFiles, stretch: Stretch) -> tuple[Record[msgspec.Raw], int]:
    """The first record of a stretch that is not empty, and the length of its line."""
    with closing(SegmentReader(files, stretch.segment, _raw)) as reader:
        line = reader.line_at(stretch.begin.offset)
    return _record.decode(line[:-1]), len(line)


def without_first(files: OsFiles, stretch: Stretch) -> Stretch:
    """A stretch that is not empty, less its first record."""
    record, length = first_record(files, stretch)
    return msgspec.structs.replace(
        stretch, begin=Place(stretch.begin.offset + length, record.seq + 1, int(record.crc, 16))
    )


def _pass_over(reader: SegmentReader[msgspec.Raw]) -> str:
    try:
        reader.pass_over()
        reader.check_rest()
    except Damaged as damaged:
        return damaged.reason
    return ""
