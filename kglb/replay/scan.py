"""The lines of a file that hold some bytes, from its end backwards: a search that decodes nothing.

What is found is not verified: read a record before you believe it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

_BLOCK = 1 << 20


def lines_back(path: Path, needle: bytes) -> Iterator[bytes]:
    """The lines with ``needle``, last first. Keeps one block, or one line where that is longer. Raises OSError."""
    with path.open("rb") as file:
        start = file.seek(0, os.SEEK_END)
        begun = b""  # the rest of the line whose beginning is not read yet
        while start > 0:
            size = min(_BLOCK, start)
            start -= size
            file.seek(start)
            text = file.read(size) + begun
            whole = text.find(b"\n") + 1 if start else 0
            if start and not whole:
                begun = text
                continue
            begun, text = text[:whole], text[whole:]
            if needle in text:
                yield from (line for line in reversed(text.split(b"\n")) if needle in line)
