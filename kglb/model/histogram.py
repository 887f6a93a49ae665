"""Counts durations by how long they were: what a Prometheus histogram shows. Knows no clock."""

from bisect import bisect_left

MILLISECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds in seconds for what takes a millisecond when all is well."""

MICROSECONDS = (0.0001, 0.0002, 0.0005, *MILLISECONDS)
"""Upper bounds in seconds for what may be quicker than that."""


class Histogram:
    """Durations in seconds since the start. ``observe`` belongs to one thread; others may read.

    >>> waits = Histogram((0.1, 1.0))
    >>> for seconds in (0.1, 0.5, 3.0):
    ...     waits.observe(seconds)
    >>> waits.counts
    [1, 1, 1]
    """

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...] = MILLISECONDS) -> None:
        """``bounds`` are the upper bounds of the buckets, ascending; above them is one bucket more."""
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds
