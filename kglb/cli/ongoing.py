"""A journal that a daemon writes now: its last state still holds, unless the disk does not take new records.

Only the daemon knows whether it does. It is asked over its control socket, which the config in the journal names, and
believed if the kernel says that the process at the other end holds the journal's lock. If it cannot be asked, for
example without permission, nothing is said.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from journal.errors import JournalError
from journal.lock import writer_of
from kglb.cli.output import Failed, warn
from kglb.cli.reading import Zone
from kglb.events import JournalGap, RecordsLost
from kglb.replay.context import config_at
from kglb.replay.errors import ReplayError
from kglb.replay.source import Source
from kglb.replay.timeline import STARTS
from kglb.replay.times import Moment, record_time
from kglb.replay.words import plural, printable

if TYPE_CHECKING:
    from kglb.web.orders import JournalStanding

PATIENCE = 1.0
"""Seconds that a daemon has to answer."""

_BREAKS = STARTS | JournalGap | RecordsLost
"""What may come after a time in which nobody recorded anything."""


def warn_if_behind(source: Source, zone: Zone, until: Moment | None = None) -> None:
    """Say on stderr that the journal lacks the newest records, if it does, and what is asked goes on to them."""
    behind = _behind(source)
    if behind is not None and (until is None or until.last >= behind.since):
        count = plural(behind.unwritten, "record")
        why = f"since {zone.show(behind.since)} the disk takes none ({printable(behind.degraded)})"
        warn([f"{source.path} lacks the newest {count}: {why}; kglb-actors status has what is now"])


def holds_until(source: Source, last: int, until: Moment | None) -> str:
    """Up to when nothing else happened behind record ``last``, but at most ``until``; empty if that is not known."""
    now = record_time(datetime.now(UTC))
    behind = source.record(last + 1)
    if behind is not None:
        return "" if until is None or isinstance(behind.event, _BREAKS) else until.last
    if writer_of(source.path) is None:
        return ""
    unwritten = _behind(source)
    known = now if unwritten is None else unwritten.since
    return known if until is None else min(known, until.last)


def _behind(source: Source) -> "JournalStanding | None":
    """How far the journal is behind its daemon; None if it is not, or if that is not known."""
    pid = writer_of(source.path)
    if pid is None:
        return None
    try:
        config = config_at(source, source.bounds()[-1])
    except (JournalError, ReplayError):
        return None
    standing = None if config is None or not config.control.socket else _asked(config.control.socket, pid)
    return standing if standing is not None and standing.degraded else None


def _asked(path: str, pid: int) -> "JournalStanding | None":
    """What process ``pid`` says of its journal; None if it is not who listens there, or does not answer."""
    from kglb.cli.ordering import ask, connect  # noqa: PLC0415 - seldom needed, and it takes a while
    from kglb.web.orders import JournalOrder, JournalStanding  # noqa: PLC0415
    from kglb.web.peer import peer_of  # noqa: PLC0415

    try:
        with connect(path, PATIENCE) as connection:
            answer = ask(connection, JournalOrder(), path, PATIENCE) if peer_of(connection).pid == pid else None
    except (Failed, OSError):
        return None
    return answer if isinstance(answer, JournalStanding) else None
