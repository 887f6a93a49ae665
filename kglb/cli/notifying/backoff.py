"""When to try again after a receiver did not accept a notice. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST = 0.5
LONGEST = 60.0
"""Seconds between the first two attempts, and at most, unless the target asks for more."""

MOST_ASKED = 3600.0
"""Seconds for which a target may have us wait: a mistake in its clock is not to silence us for years."""


def pause(attempts: int, asked: float, chance: float) -> float:
    """Seconds until the next attempt after so many: twice as long each time, and never before it is asked for.

    ``chance`` in [0, 1) spreads it, so that many who were sent away together do not come back together.
    """
    span = min(LONGEST, FIRST * (1 << min(attempts, 16)))
    return max(asked, span / 2) + span / 2 * chance


def retry_after(value: str, now: float) -> float:
    """The seconds that a Retry-After header asks for (RFC 9110, 10.2.3) at Unix time ``now``; 0 if unclear."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(MOST_ASKED, float(text))
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    at = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(MOST_ASKED, max(0.0, (at - datetime.fromtimestamp(now, UTC)).total_seconds()))
