"""The first line of a new segment, while its checkpoint is still being encoded on the loop, slice by slice.

Its checksum is known only at its end, and every later record's builds on it: so those recorded meanwhile wait
here.
"""

from collections.abc import Callable, Iterator
from zlib import crc32

from journal.format import encode_tail


class FirstLine:
    """Record ``seq``, a ``SegmentOpened``, in the making; ``head`` is its line up to the checkpoint.

    ``crc`` is its checksum once complete. ``behind`` are the bodies of the records after it. ``size`` is what
    all of it keeps in memory. ``missing_from`` is the first record lost before it, or its own number.
    """

    def __init__(self, seq: int, head: bytes, chain: int, checkpoint: Iterator[bytes], missing_from: int) -> None:
        self.seq = seq
        self.missing_from = missing_from
        self.crc = crc32(head, chain)
        self.parts = [head]
        self._checkpoint = checkpoint
        self.behind: list[bytes] = []
        self.size = len(head)

    @property
    def line_size(self) -> int:
        """The bytes of the line so far."""
        return sum(map(len, self.parts))

    def queue_behind(self, body: bytes) -> None:
        """Keep a record that comes after it: its line up to the checksum."""
        self.behind.append(body)
        self.size += len(body)

    def encode(self, now: Callable[[], float], until: float) -> bool:
        """Take parts of the checkpoint until that time; True when the line is complete."""
        for part in self._checkpoint:
            assert b"\n" not in part, "a record is one line"
            self._add(part)
            if now() >= until:
                return False
        self._add(b"}")
        self.parts.append(encode_tail(self.crc))
        return True

    def _add(self, part: bytes) -> None:
        self.crc = crc32(part, self.crc)
        self.parts.append(part)
        self.size += len(part)
