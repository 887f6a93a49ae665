"""A long text, kept as gzip (RFC 1952)."""

import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

PIECE: Final = 64 * 1024
"""Bytes that are unpacked, or sent, in one go."""

_FASTEST: Final = 1
_GZIP: Final = 31  # of the window's bits: as many as there are, and the format of gzip


class Packed(NamedTuple):
    """The bytes of a gzip file, and how many they are unpacked."""

    data: bytes
    size: int

    def pieces(self) -> Iterator[bytes]:
        """The text, PIECE by PIECE."""
        unpacker = zlib.decompressobj(_GZIP)
        rest = self.data
        while piece := unpacker.decompress(rest, PIECE):
            yield piece
            rest = unpacker.unconsumed_tail


class Packer:
    """Packs a text as it comes."""

    __slots__ = ("_compressor", "_data", "_size")

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP)
        self._data: list[bytes] = []
        self._size = 0

    def add(self, text: str) -> None:
        """Take in what follows, in UTF-8."""
        part = text.encode()
        self._size += len(part)
        if packed := self._compressor.compress(part):
            self._data.append(packed)

    def packed(self) -> Packed:
        """All of it; nothing can be added afterwards."""
        return Packed(b"".join((*self._data, self._compressor.flush())), self._size)
