"""When a real is probed: at its own times, one an interval, set apart from those of the other reals. Reads no clock."""

DELAY = 0.1
"""Of an interval: how much longer than one the first ones may be, until a real's probes have their place."""


class OwnTimes:
    """The times of one real under one check. ``interval`` is in seconds.

    ``phase`` is the share of an interval, 0 to 1, by which its place is set apart from those of others. The first probe
    does not wait for that, and so comes early; each that follows makes up for some of it.
    """

    __slots__ = ("_early", "_interval", "_phase", "_time")

    def __init__(self, phase: float) -> None:
        self._phase = phase
        self._interval = self._time = 0.0
        self._early = 0.0  # by so many seconds its own times are before its place in the interval

    def first(self, now: float, interval: float, turn: float) -> float:
        """Begin anew: when its first probe is due, ``turn`` at the latest."""
        self._interval = interval
        in_its_place = now + self._phase * interval
        self._time = min(in_its_place, turn)
        self._early = in_its_place - self._time
        return self._time

    def next(self, passed: float) -> float:
        """The next one that has not passed by that time: neither lateness nor doubt shifts them."""
        intervals = max((passed - self._time) // self._interval + 1.0, 0.0)
        delay = min(self._early, self._interval * DELAY)
        self._early -= delay
        self._time += self._interval * intervals + delay
        return self._time
