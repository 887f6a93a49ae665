"""Keeps bytes that are taken out of a journal, beside its segments and under a name of their own. Never overwrites."""

from contextlib import ExitStack
from itertools import count
from pathlib import Path

from journal.files import OsFiles

_COPY = 1 << 20


def free_name(files: OsFiles, segment: Path, kind: str) -> Path:
    """Where to keep what is taken out of a segment: ``*.jsonl.KIND``, or ``*.jsonl.KIND.2`` and so on."""
    names = (f"{segment.name}.{kind}" if number == 1 else f"{segment.name}.{kind}.{number}" for number in count(1))
    return next(path for path in map(segment.with_name, names) if not files.exists(path))


def copy(files: OsFiles, source: Path, target: Path, offset: int = 0) -> None:
    """Copy a file from ``offset`` on and wait until it is on the platter. Raises ``OSError``."""
    with ExitStack() as opened:
        reading = files.open_read(source)
        opened.callback(files.close, reading)
        writing = files.create(target)
        opened.callback(files.close, writing)
        append(files, reading, writing, offset)
        files.sync(writing)


def append(files: OsFiles, reading: int, writing: int, offset: int, end: int | None = None) -> None:
    """Copy from one open file to the end of another, from ``offset`` to ``end`` (None: all there is)."""
    while chunk := files.read(reading, _COPY if end is None else min(_COPY, end - offset), offset):
        if len(chunk) == _COPY and not any(chunk):  # a hole, perhaps of gigabytes: it stays one
            files.truncate(writing, files.size(writing) + _COPY)
            offset += _COPY
        else:
            offset += files.write(writing, chunk)
