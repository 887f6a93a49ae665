"""When what has failed is tried again: soon at first, later and later if it keeps failing.

Crashed actors are restarted by it; a kernel or BGP engine that refuses is asked again by it. What has not failed for
long is forgotten, and so is what is gone: memory does not grow with time.
"""

from collections.abc import Callable

FIRST = 0.1
LONGEST = 30.0
CALM = 60.0
"""Seconds without a failure after which the next one counts as the first."""


class Backoff:
    """The waits of whatever one owner tries again, by key. ``now`` is monotonic, in seconds, as is ``longest``."""

    def __init__(self, now: Callable[[], float], longest: float = LONGEST) -> None:
        self._now = now
        self._longest = longest
        self._last: dict[object, tuple[float, float]] = {}  # when it failed, how long it waited; the oldest first

    def delay(self, key: object) -> float:
        """Seconds until what has failed just now is tried again; doubles up to ``longest``."""
        now = self._now()
        when, waited = self._last.pop(key, (float("-inf"), 0.0))
        wait = FIRST if _is_calm(now, when, waited) else min(waited * 2, self._longest)
        self._last[key] = (now, wait)
        while (oldest := next(iter(self._last))) != key and _is_calm(now, *self._last[oldest]):
            del self._last[oldest]
        return wait

    @property
    def failed(self) -> list[object]:
        """What has failed lately and is not gone: it was tried again, or waits until it is."""
        return list(self._last)

    def forget(self, key: object) -> None:
        """It is gone for good."""
        self._last.pop(key, None)


def _is_calm(now: float, when: float, waited: float) -> bool:
    return now - when > waited + CALM
