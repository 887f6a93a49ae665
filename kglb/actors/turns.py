"""When new reals are asked: soon, and one after the other.

A start is not to wait for an interval, and a thousand reals are not to be asked in one instant. It knows no checker.
"""

import math
from typing import Final

GAP: Final = 0.0005
"""Seconds between two turns: so many probes cost a tenth of a core."""


class Turns:
    """Those of one daemon, for one purpose."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0.0

    def take(self, now: float, latest: float = math.inf) -> float:
        """The loop time of the next free turn; ``latest``, and no turn is taken, if that is not later."""
        turn = max(now, self._next)
        if turn >= latest:
            return latest
        self._next = turn + GAP
        return turn
