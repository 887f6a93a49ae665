"""Does somebody else want an entry another way, again and again? Then its repairs come further and further apart.

    drift in a row     1st .. 4th    5th    6th    7th    8th    9th    10th ...     after a calm spell: the 1st again
    repairs apart      0             1 s    2 s    4 s    8 s    16 s   30 s

Two controllers that undo each other's changes would change the kernel as fast as they can, and traffic would flap.
Pauses between repairs bound that. They do not delay the repair of a rare change: 30 s after the last one, every drift
is repaired at once. They do not end the contest: whoever reads the event has to.
"""

from typing import NamedTuple

TOLERATED = 4
"""Drifts of one entry in a row that are no contest: a person, or a script that runs a few times."""

FIRST = 1.0
LONGEST = 30.0
"""Seconds between two repairs of a contested entry, at first and at most: the usual interval of looks."""

CALM = 60.0
"""Seconds without a drift after a repair that end a contest; or three intervals of looks if that is longer."""


class Contest(NamedTuple):
    """One entry: its drifts in a row, when the last was found, and when it is to be repaired. Times in seconds."""

    drifts: int
    last: float
    repair: float

    @property
    def hold(self) -> float:
        """How long the repair waits."""
        return self.repair - self.last

    @property
    def is_contested(self) -> bool:
        """Whether this is more than somebody who came by."""
        return self.drifts > TOLERATED


def drifted(before: Contest | None, now: float, interval: float) -> Contest:
    """Somebody has changed the entry now. Looks are taken every ``interval`` seconds."""
    if before is None or is_over(before, now, interval):
        return Contest(1, now, now)
    drifts = before.drifts + 1
    if now < before.repair:
        return Contest(drifts, now, before.repair)  # the repair that is due takes care of this, too
    apart = min(FIRST * 2.0 ** min(drifts - TOLERATED - 1, 20), LONGEST) if drifts > TOLERATED else 0.0
    return Contest(drifts, now, max(now, before.repair + apart))


def is_over(contest: Contest, now: float, interval: float) -> bool:
    """Whether the entry has been left in peace for long enough."""
    return now - contest.repair > max(CALM, 3 * interval)
