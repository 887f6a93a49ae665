"""When a crashed actor starts again: at once at first, later and later if it keeps crashing."""

from collections.abc import Callable

FIRST = 0.1
LONGEST = 30.0
CALM = 60.0
"""Seconds without a crash after which the next one counts as the first."""


class Restarts:
    """The restarts of one parent's children, by key. ``now`` is monotonic, in seconds, as is ``longest``."""

    def __init__(self, now: Callable[[], float], longest: float = LONGEST) -> None:
        self._now = now
        self._longest = longest
        self._last: dict[object, tuple[float, float]] = {}  # key -> (when it crashed, how long it waited)

    def delay(self, key: object) -> float:
        """Seconds until the child that crashed just now starts again; doubles up to ``longest``."""
        now = self._now()
        when, waited = self._last.get(key, (float("-inf"), 0.0))
        calm = now - when > waited + CALM
        wait = FIRST if calm else min(waited * 2, self._longest)
        self._last[key] = (now, wait)
        return wait

    @property
    def crashed(self) -> list[object]:
        """The children that have crashed and are not gone: each runs again, or waits until it may."""
        return list(self._last)

    def forget(self, key: object) -> None:
        """The child is gone for good."""
        self._last.pop(key, None)
