"""When new checkers ask for the first time: soon, and one after the other.

A start is not to wait for an interval, and a thousand reals are not to be asked in one instant. It knows no checker.
"""

from typing import Final

GAP: Final = 0.0005
"""Seconds between two first probes: so many of them cost a tenth of a core."""


class Turns:
    """One per daemon."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = 0.0

    def take(self, now: float) -> float:
        """The loop time of the next free turn."""
        turn = max(now, self._next)
        self._next = turn + GAP
        return turn
