"""Makes a line with the checksum that the next line continues, so that what is intact behind a hole stays as it is.

A crc is linear: of thirty-two digits in the line's text, each of which may be 0 or 1, exactly one choice gives the
wanted checksum. (CRC-32's polynomial is primitive, so thirty-two bits eight apart are independent.)
"""

from collections.abc import Callable
from zlib import crc32

_BITS = 32


def seal(body: Callable[[str], bytes], chain: int, wanted: int) -> bytes:
    """The body with the digits that make its checksum, after ``chain``, the ``wanted`` one.

    ``body`` gives the bytes for a text of thirty-two digits, which stands in them as it is.
    """
    blank = crc32(body("0" * _BITS), chain)
    pivots: dict[int, tuple[int, int]] = {}  # highest bit -> (what it changes, by which digits)
    for index in range(_BITS):
        effect = crc32(body("0" * index + "1" + "0" * (_BITS - 1 - index)), chain) ^ blank
        change, digits = _reduce(effect, 1 << index, pivots)
        pivots[change.bit_length()] = (change, digits)
    rest, digits = _reduce(blank ^ wanted, 0, pivots)
    assert rest == 0
    return body("".join("1" if digits >> index & 1 else "0" for index in range(_BITS)))


def _reduce(change: int, digits: int, pivots: dict[int, tuple[int, int]]) -> tuple[int, int]:
    while change and (pivot := pivots.get(change.bit_length())):
        change ^= pivot[0]
        digits ^= pivot[1]
    return change, digits
