"""When a crashed actor starts again: at once at first, later and later if it keeps crashing.

An actor that has not crashed for long is forgotten, and so is one that is gone: memory does not grow with time.
"""

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
        self._last: dict[object, tuple[float, float]] = {}  # when it crashed, how long it waited; the oldest first

    def delay(self, key: object) -> float:
        """Seconds until the child that crashed just now starts again; doubles up to ``longest``."""
        now = self._now()
        when, waited = self._last.pop(key, (float("-inf"), 0.0))
        wait = FIRST if _is_calm(now, when, waited) else min(waited * 2, self._longest)
        self._last[key] = (now, wait)
        while (oldest := next(iter(self._last))) != key and _is_calm(now, *self._last[oldest]):
            del self._last[oldest]
        return wait

    @property
    def crashed(self) -> list[object]:
        """The children that have crashed lately and are not gone: each runs again, or waits until it may."""
        return list(self._last)

    def forget(self, key: object) -> None:
        """The child is gone for good."""
        self._last.pop(key, None)


def _is_calm(now: float, when: float, waited: float) -> bool:
    return now - when > waited + CALM
