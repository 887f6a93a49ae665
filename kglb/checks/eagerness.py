"""How eagerly a real is watched: what false alarms teach. No clock, no socket.

A connection that ends while the real's next probe passes was a *false alarm*: most servers close what is idle, some
at once, some after a minute. What one costs is a probe and a connection, and a record; so:

- The first false alarm of a row is followed by a new connection at once (PyBal's "clean" reconnect). Each further one
  doubles a pause before the next connection, from PAUSE to LONGEST_PAUSE. So a server that closes every connection at
  once costs about a dozen alarms in its first hour, and one an hour from then on.
- From then on we renew the connection ourselves: with the first probe that passes when it is half as old as the lost
  one became (and at least TERM old). So a server with an idle timeout never again ends one that we hold.
- A connection that we renew ends the row of false alarms.
- When a real fails, all of this is forgotten: it may come back with other settings.
"""

import math
from typing import Final

PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 3600.0
TERM: Final = 10.0
"""Seconds, as all times here: we renew no connection sooner, or watching would cost as much as probing."""


class Eagerness:
    """What was learned about watching one real. Times are on any one clock, in seconds."""

    __slots__ = ("_lived", "_not_before", "_pause", "_term")

    def __init__(self) -> None:
        self._lived: float | None = None
        self._pause = 0.0
        self._not_before = -math.inf
        self._term = math.inf

    def lost(self, lived: float) -> None:
        """The connection ended at this age; the next probe says whether that was a false alarm."""
        self._lived = lived

    def may_open(self, now: float) -> bool:
        """Whether to connect, now that a probe has passed."""
        if self._lived is not None:
            self._term = max(self._lived / 2, TERM)
            self._not_before = now + self._pause
            self._pause = min(max(self._pause * 2, PAUSE), LONGEST_PAUSE)
            self._lived = None
        return now >= self._not_before

    def should_renew(self, age: float) -> bool:
        """Whether the connection is so old that the server may soon end it; if so, it was left in peace so far."""
        if age < self._term:
            return False
        self._pause = 0.0
        return True
