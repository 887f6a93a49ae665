"""The progress of one notifier as metrics, in a file for node_exporter.

The metric to watch is a time: everything recorded before it has been told. It stands still while the target refuses or
is too slow, and when the process is gone, because nobody rewrites the file then.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from kglb.cli.replacing import replace_file
from kglb.replay.place import Place
from kglb.replay.times import unix_microseconds
from kglb.web.exposition import Family, Sample, counter, escape, gauge, lines

SHOW_EVERY: Final = 10.0
"""Seconds between two times that the file is written."""

_FOR_ALL: Final = 0o644  # node_exporter is somebody else, and nothing in it is secret


class Standing(msgspec.Struct):
    """The last record that is behind, and when there was nothing more to tell (Unix time); counts since the start."""

    place: Place | None = None
    caught_up: float = 0.0
    taken: int = 0
    passed_over: int = 0
    failed_attempts: int = 0

    @property
    def told_until(self) -> float:
        """All that was recorded before this Unix time is behind."""
        if self.place is None:
            return self.caught_up
        return max(self.caught_up, unix_microseconds(self.place.at) / 1e6)


def standing_from(place: Place | None, last_seq: int) -> Standing:
    """That of a notifier which begins behind a place, or with the first record; now, if there is none yet."""
    return Standing(place, caught_up=0.0 if place or last_seq else time.time())


def families(standing: Standing, last_seq: int, labels: str) -> Iterator[Family]:
    """The metrics; ``last_seq`` is the journal's last record, ``labels`` are what each sample has."""

    def each(value: float, more: str = "") -> Sample:
        return f"{{{labels}{more}}}", value

    behind = standing.place.seq if standing.place else 0
    results = {"taken": standing.taken, "passed_over": standing.passed_over}
    yield gauge(
        "kglb_notify_told_until_timestamp_seconds",
        "All that was recorded before this Unix time was taken, passed over, or was not to be told.",
        [each(standing.told_until)],
    )
    yield gauge(
        "kglb_notify_backlog_records",
        "Records of the journal that are still to be told, or to be looked at.",
        [each(max(0, last_seq - behind))],
    )
    yield counter(
        "kglb_notify_notices_total",
        "Notices that the target has taken, and that were passed over because it refuses them for good.",
        [each(count, f',result="{result}"') for result, count in results.items()],
    )
    yield counter(
        "kglb_notify_failed_attempts_total",
        "Attempts after which the same is told again.",
        [each(standing.failed_attempts)],
    )


def write_standing(path: Path, last_seq: int, *, standing: Standing, target: str) -> None:
    """Replace the file; its name is what tells this process's samples from those of others. Raises OSError."""
    labels = f'notifier="{escape(path.stem)}",target="{escape(target)}"'
    replace_file(path, "".join(lines(families(standing, last_seq, labels))), mode=_FOR_ALL)
