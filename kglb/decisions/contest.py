"""Does somebody else want an entry another way, again and again? Then we do not fight, but wait longer each time.

    drift:    1st .. 4th    5th    6th    7th   ...           a calm spell: the next is the 1st again
    repair:   at once       1 s    2 s    4 s   ... 300 s

A controller that puts back what another changes, which puts it back in turn, makes two of them change the kernel as
fast as they can, and traffic flap with them. Waiting bounds that; it ends nothing: whoever reads the event has to.
"""

from typing import NamedTuple

TOLERATED = 4
"""Drifts of one entry in a row that are repaired at once: a person, or a script that runs now and then."""

FIRST = 1.0
LONGEST = 300.0
"""Seconds that the repair of a contested entry waits, at first and at most."""

CALM = 60.0
"""Seconds without a drift, after the repair, that end a contest; or three intervals of looks if that is longer."""


class Contest(NamedTuple):
    """One entry: its drifts in a row, when the last was found, and how long its repair waits. Times in seconds."""

    drifts: int
    last: float
    hold: float


def drifted(before: Contest | None, now: float, interval: float) -> Contest:
    """Somebody has changed the entry now. Looks are taken every ``interval`` seconds."""
    if before is None or is_over(before, now, interval):
        return Contest(1, now, 0.0)
    drifts = before.drifts + 1
    hold = 0.0 if drifts <= TOLERATED else min(FIRST * 2.0 ** min(drifts - TOLERATED - 1, 20), LONGEST)
    return Contest(drifts, now, hold)


def is_over(contest: Contest, now: float, interval: float) -> bool:
    """Whether the entry has been left in peace for long enough."""
    return now - contest.last > contest.hold + max(CALM, 3 * interval)
