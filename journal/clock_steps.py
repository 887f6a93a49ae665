"""Where the wall clock stepped inside a segment: found from the ends, without reading what lies between.

The wall clock and the monotonic clock advance together until somebody sets the first, or another boot begins. Where
they do, times only grow, and a time is found by bisection. A step that is undone within the same segment is not seen: a
seek for such a time finds one of the possible places. Nothing here verifies or writes.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from journal.format import Head
from journal.segments import Seeker

STEP = 0.5
"""Seconds: what the clocks may drift apart in a run, so that a clock that is only slewed makes few of them."""

MOST_RUNS = 64
"""In one segment; the rest is then taken for one run, in which a seek finds some edge."""


class Run(NamedTuple):
    """Lines between which no clock stepped: where the first begins and the last ends, and the heads of both."""

    start: int
    end: int
    first: Head
    last: Head


def steady_runs(seeker: Seeker) -> Iterator[Run]:
    """The runs of a segment, in their order."""
    begun, last = seeker.line_from(0), seeker.line_before(seeker.size)
    for number in range(MOST_RUNS):
        if begun is None or last is None:
            return
        start, first = begun
        if number == MOST_RUNS - 1 or _is_steady(first, last[1]):
            yield Run(start, seeker.size, first, last[1])
            return
        begun = _first_beyond(seeker, start, first, last[0])
        before = None if begun is None else seeker.line_before(begun[0])
        if begun is not None and before is not None:
            yield Run(start, begun[0], first, before[1])


def _first_beyond(seeker: Seeker, low: int, first: Head, high: int) -> tuple[int, Head] | None:
    """A line that is not steady with the ``first`` one, after one that is; that at ``high`` is not."""
    while low < high:
        middle = (low + high) // 2
        found = seeker.line_from(middle)
        if found is None or not _is_steady(first, found[1]):
            high = middle
        else:
            low = found[0] + 1
    return seeker.line_from(low)


def _is_steady(one: Head, other: Head) -> bool:
    return abs(_offset(one) - _offset(other)) <= STEP


def _offset(head: Head) -> float:
    """How far the wall clock is ahead of the monotonic one, in seconds."""
    try:
        return datetime.fromisoformat(head.at.decode()).timestamp() - head.mono
    except ValueError:
        return 0.0
