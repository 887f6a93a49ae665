"""From what a person calls a time to that of a record, and back. Nothing here reads a clock: now comes in.

    2026-11-22T14:30:01.5+01:00   2026-11-22 14:30   2026-11-22   14:30:01   today   yesterday   now
    -5m   -1h30m   10 min ago   2 hours ago

Without an offset a time is in the zone of ``now``.
"""

import re
from datetime import UTC, datetime, time, timedelta

import msgspec

from kglb.model.endpoint import MalformedError
from kglb.replay.errors import UnclearTimeError

_UNITS = {"s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600, "hour": 3600}
_UNITS |= {"d": 86400, "day": 86400, "w": 604800, "week": 604800}
_STEP = re.compile(r"(\d{1,9})\s*([a-z]+)\s*")
_SECONDS = re.compile(r":\d\d:\d\d(?:\.(\d{1,6}))?")
_DAYS_BACK = {"today": 0, "yesterday": 1}


class Moment(msgspec.Struct, frozen=True):
    """The time a text names, as records have it: from ``first`` to ``last``, both included.

    A time to the second or finer includes all that begins with the same digits, so that a time copied from
    ``tail`` finds its record. Any other is an instant.
    """

    first: str
    last: str


def parse_moment(text: str, now: datetime) -> Moment:
    """The moment that ``text`` names, seen from ``now`` (with its zone). Raises UnclearTimeError.

    >>> parse_moment("10 min ago", datetime(2026, 11, 22, 14, 30, tzinfo=UTC)).first
    '2026-11-22T14:20:00.000000Z'
    """
    try:
        found = _parse(text.strip(), now)
        finest = _SECONDS.search(text)
        last = found if finest is None else found + _width(finest[1] or "")
        return Moment(record_time(found), record_time(last))
    except (ValueError, OverflowError):
        raise UnclearTimeError(text) from None


def record_time(moment: datetime) -> str:
    """A time in the form that records have."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_record_time(at: str) -> datetime:
    """The time of a record; raises MalformedError for what is none, as in a journal that was written by hand."""
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise MalformedError(f"expected the time of a record, found {at!r}")
    return found


def unix_microseconds(at: str) -> int:
    """The time of a record as Unix time; raises MalformedError."""
    return round(read_record_time(at).timestamp() * 1_000_000)


def _width(fraction: str) -> timedelta:
    return timedelta(microseconds=int(10 ** (6 - len(fraction))) - 1)


def _parse(text: str, now: datetime) -> datetime:
    lowered = text.lower()
    if lowered == "now":
        return now
    if lowered in _DAYS_BACK:
        return _at(now, time(), days_back=_DAYS_BACK[lowered])
    if lowered.startswith("-"):
        return now - _span(lowered[1:])
    if lowered.endswith(" ago"):
        return now - _span(lowered[: -len(" ago")])
    if re.match(r"\d{1,2}:\d\d", text):
        return _at(now, time.fromisoformat(text.zfill(len(text) + (text[1] == ":"))))
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else _in_zone_of(now, found)


def _at(now: datetime, clock: time, days_back: int = 0) -> datetime:
    day = now.date() - timedelta(days=days_back)
    found = datetime.combine(day, clock)
    return found if found.tzinfo else _in_zone_of(now, found)


def _in_zone_of(now: datetime, naive: datetime) -> datetime:
    """In UTC if ``now`` is, else in the machine's zone, whose offset may differ between the two times."""
    return naive.replace(tzinfo=UTC) if now.tzinfo is UTC else naive.astimezone()


def _span(text: str) -> timedelta:
    text = text.strip()
    seconds = position = 0
    while position < len(text):
        step = _STEP.match(text, position)
        unit = None if step is None else _UNITS.get(step[2], _UNITS.get(step[2].removesuffix("s")))
        if step is None or unit is None:
            raise ValueError(text)
        seconds += int(step[1]) * unit
        position = step.end()
    if not position:
        raise ValueError(text)
    return timedelta(seconds=seconds)
