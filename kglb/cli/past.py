"""The newest records of the journal from before the start, as many as the page shows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from journal import JournalError
from kglb.replay.errors import ReplayError
from kglb.replay.source import Source
from kglb.replay.times import read_record_time, record_time
from kglb.web.board import Past

SPAN = timedelta(hours=1)
MOST = 5000
"""Records; reading them takes some 20 ms."""


def recorded_before(journal: Path, now: datetime | None = None) -> list[Past]:
    """The records of the last hour before ``now``, oldest first; none where they cannot be read."""
    since = record_time((now or datetime.now(UTC)) - SPAN)
    try:
        source = Source(journal)
        bounds = source.bounds()
        first = max(bounds[0], source.reader.seq_at(since), bounds[-1] - MOST + 1)
        return [
            Past(read_record_time(record.at).timestamp(), record.seq, record.cause, record.event)
            for record in source.between(first, bounds[-1])
        ]
    except (JournalError, ReplayError, OSError, ValueError):
        return []
