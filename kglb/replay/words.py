"""Small pieces that sentences are made of: counts, lists, reasons, times."""

from collections.abc import Iterable
from datetime import UTC, datetime

from kglb.model import RealId

SHOWN = 4
"""How many of a list's items a sentence names."""

_SPOKEN = {"refused": "connection refused", "reset": "connection reset"}
"""What the commonest reasons are called; their details say no more."""


def printable(text: str) -> str:
    """A text with whatever is not printable (line ends, escape codes) made visible."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def spoken(reason: str, detail: str) -> str:
    """Why probes fail, in words."""
    if reason in _SPOKEN:
        return _SPOKEN[reason]
    return f"{reason} ({detail})" if detail else reason


def verdicts(streak: int) -> str:
    """A streak in words: ``2 failures in a row``."""
    return plural(abs(streak), "pass" if streak > 0 else "failure") + (" in a row" if abs(streak) > 1 else "")


def plural(count: int, noun: str) -> str:
    """``1 real``, ``2 reals``, ``3 passes``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith('s') else 's'}"


def listed(items: Iterable[str]) -> str:
    """The first items of a list and how many more there are."""
    every = list(items)
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def named(real: RealId, host: str) -> str:
    """A real by its address and, where that is another, by what the config calls it."""
    return real if host == real else f"{real} ({host})"


def ordered(what: str, until: float | None, note: str) -> str:
    """What an operator ordered, until when (seconds since the epoch), and what was noted."""
    when = "" if until is None else f" until {utc(until)}"
    return f"{what}{when}{f': {note}' if note else ''}"


def utc(seconds: float) -> str:
    """A time in seconds since the epoch, for people."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):  # no year that there is; nobody ordered it over the control socket
        return f"{seconds:g} s after 1970"
