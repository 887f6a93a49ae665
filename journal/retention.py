"""How much of a journal is kept: by size and by age, whole sealed segments only, oldest first.

The newest segment holds the newest checkpoint and is never removed, whatever the bounds say.
"""

import time
from calendar import timegm
from dataclasses import dataclass
from pathlib import Path

from journal.files import OsFiles
from journal.segments import first_head, list_segments

DEFAULT_SIZE = 1 << 30


@dataclass(frozen=True, slots=True)
class Retention:
    """The bounds: bytes in all, and seconds since a segment was sealed; 0 is no bound.

    They are applied when a segment is opened, so between two openings the journal is longer by the newest
    one.
    """

    max_size: int = DEFAULT_SIZE
    max_age: float = 0.0


def apply_retention(files: OsFiles, directory: Path, retention: Retention) -> None:
    """Remove the oldest segments, as far as they are beyond the bounds. Raises ``OSError``.

    A segment's age runs from the first record of the next one, by the newest segment's clock.
    """
    segments = list_segments(files, directory)
    sizes = [files.size_of(segment.path) for segment in segments]
    total = sum(sizes)
    now = _opened_at(files, segments[-1].path) if segments else 0
    for segment, following, size in zip(segments, segments[1:], sizes, strict=False):
        too_large = 0 < retention.max_size < total
        too_old = 0 < retention.max_age < now - _opened_at(files, following.path)
        if not (too_large or too_old):
            break
        files.remove(segment.path)
        total -= size


def _opened_at(files: OsFiles, path: Path) -> int:
    """When a segment was opened, in seconds since 1970; 0 if its first line cannot be read."""
    head = first_head(files, path)
    return timegm(time.strptime(head.at[:19].decode(), "%Y-%m-%dT%H:%M:%S")) if head else 0
