"""When the prober's next tick comes: a timer on a grid, set earlier as the need arises. Reads no clock of its own.

All times fall on whole milliseconds, because uvloop's timers count those.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Final

TICK: Final = 0.01
"""Seconds from one point of the grid to the next."""


class Alarm:
    """Calls ``ring``, once, at the earliest of the loop times that it was asked for."""

    __slots__ = ("_hurry_until", "_loop", "_ring", "_timer", "at")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self.at = math.inf
        self._loop = loop
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        self._hurry_until = -math.inf

    def hurry(self, until: float) -> None:
        """Keep to whole milliseconds instead of the grid until this time."""
        self._hurry_until = max(self._hurry_until, until)

    def near(self, when: float) -> None:
        """Ring at the grid's point nearest to ``when``; in a hurry, at the next millisecond."""
        self._at(_next_millisecond(when) if when <= self._hurry_until else math.floor(when / TICK + 0.5) * TICK)

    def after(self, when: float) -> None:
        """Ring at the grid's first point that is not before ``when``; in a hurry, at the next millisecond."""
        self._at(_next_millisecond(when) if when <= self._hurry_until else math.ceil(when / TICK) * TICK)

    def soon(self, now: float, pause: float | None) -> None:
        """Ring so many seconds from the current millisecond, or at the grid's next point."""
        self._at(math.floor(now / TICK + 1) * TICK if pause is None else math.floor(now * 1000) / 1000 + pause)

    def stopped(self) -> None:
        """It has rung, or shall not ring any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self.at = math.inf

    def _at(self, when: float) -> None:
        if when >= self.at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self.at = when
        self._timer = self._loop.call_at(when, self._ring)


def _next_millisecond(when: float) -> float:
    return math.ceil(when * 1000) / 1000
