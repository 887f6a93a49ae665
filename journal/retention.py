"""How much of a journal is kept: by size and by age, whole sealed segments only, oldest first.

The newest segment holds the newest checkpoint and is never removed, whatever the bounds say.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from journal.files import OsFiles
from journal.segments import Segment, first_head, list_segments

DEFAULT_SIZE = 1 << 30


class Retention(msgspec.Struct, frozen=True):
    """The bounds: bytes in all, and seconds since a segment was sealed; 0 is no bound.

    They are applied when a segment is opened, so between two openings the journal is longer by the newest
    one.
    """

    max_size: int = DEFAULT_SIZE
    max_age: float = 0.0


class Expired(msgspec.Struct, frozen=True):
    """A segment beyond the bounds, and its size in bytes."""

    segment: Segment
    size: int


def apply_retention(files: OsFiles, directory: Path, retention: Retention) -> None:
    """Remove what is beyond the bounds, by the newest segment's clock. Raises ``OSError``."""
    remove(files, expired(files, directory, retention))


def remove(files: OsFiles, segments: list[Expired]) -> None:
    """Remove these segments, oldest first; one that somebody else has removed already is no trouble."""
    for one in segments:
        with suppress(FileNotFoundError):
            files.remove(one.segment.path)


def expired(files: OsFiles, directory: Path, retention: Retention, now: float | None = None) -> list[Expired]:
    """The oldest segments, as far as they are beyond the bounds ``now`` (seconds since 1970). Raises ``OSError``.

    A segment's age runs from the first record of the next one. Without ``now`` it is when the newest was opened.
    """
    segments = list_segments(files, directory)
    sizes = [_size_of(files, segment.path) for segment in segments]
    total = sum(sizes)
    if now is None:
        now = _opened_at(files, segments[-1].path) if segments else 0
    found = []
    for segment, following, size in zip(segments, segments[1:], sizes, strict=False):
        too_large = 0 < retention.max_size < total
        too_old = 0 < retention.max_age < now - _opened_at(files, following.path)
        if not (too_large or too_old):
            break
        found.append(Expired(segment, size))
        total -= size
    return found


def _size_of(files: OsFiles, path: Path) -> int:
    try:
        return files.size_of(path)
    except FileNotFoundError:  # somebody else has just removed it
        return 0


def _opened_at(files: OsFiles, path: Path) -> int:
    """When a segment was opened, in seconds since 1970; 0 if its first line cannot be read."""
    try:
        head = first_head(files, path)
        return int(datetime.fromisoformat(f"{head.at[:19].decode()}Z").timestamp()) if head else 0
    except FileNotFoundError:  # somebody else has just removed it
        return 0
    except ValueError:  # a damaged line is for readers to report
        return 0
