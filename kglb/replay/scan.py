"""The lines of a file that hold some bytes, from its end backwards: a search that decodes nothing.

What is found is not verified: read a record before you believe it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 16
"""Small enough that the allocator has it at hand: a larger one costs more in page faults than its search."""


def lines_back(path: Path, *needles: bytes) -> Iterator[bytes]:
    """The lines with any of the needles, last first. Keeps one block, or one line where that is longer.

    No needle holds a newline. Raises OSError.
    """
    with path.open("rb", buffering=0) as file:
        start = file.seek(0, os.SEEK_END)
        begun: list[bytes] = []  # the line whose beginning is not read yet, its last part first
        while start > 0:
            size = min(_BLOCK, start)
            start -= size
            file.seek(start)
            block = file.read(size)
            last = block.rfind(b"\n") + 1
            begun.append(block[last:])
            if not last and start:
                continue
            yield from _with(needles, b"".join(reversed(begun)))
            first = block.find(b"\n") + 1 if start else 0
            if any(needle in block for needle in needles):
                yield from _with(needles, block[first:last])
            begun = [block[: max(0, first - 1)]]


def _with(needles: tuple[bytes, ...], text: bytes) -> Iterator[bytes]:
    """The lines of a text that have any of the needles, last first."""
    end = len(text)
    places = [text.rfind(needle) for needle in needles]
    while (place := max(places)) >= 0:
        start = text.rfind(b"\n", 0, place) + 1
        stop = text.find(b"\n", place, end)
        yield text[start : stop if stop >= 0 else end]
        end = max(0, start - 1)
        places = [text.rfind(needle, 0, end) if at >= end else at for needle, at in zip(needles, places, strict=True)]
