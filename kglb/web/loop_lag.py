"""By how much the event loop is late: a timer that looks at the clock. What delays it delays every decision."""

import asyncio
import time

from kglb.model.histogram import MILLISECONDS, Histogram

INTERVAL = 0.1
"""Seconds between two looks. uvloop counts whole milliseconds: on it an idle loop is up to 1 ms late."""


class LoopLag:
    """Begins at once, on the running loop, and goes on until closed."""

    def __init__(self) -> None:
        self.histogram = Histogram(MILLISECONDS)
        self._loop = asyncio.get_running_loop()
        self._wait()

    def _wait(self) -> None:
        self._due = time.monotonic() + INTERVAL
        self._timer = self._loop.call_later(INTERVAL, self._look)

    def _look(self) -> None:
        self.histogram.observe(max(0.0, time.monotonic() - self._due))
        self._wait()

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()
