"""How long from the verdict that changed a real's health until the machine has acknowledged what followed from it."""

from collections.abc import Iterable

from kglb.model.histogram import MICROSECONDS, Histogram

LONGEST = 60.0
"""Seconds after which a change is taken to have led to no operation: a real that was at weight 0 already."""


class Reactions:
    """Measured by the records that cause operations. All times are of one clock, in seconds."""

    def __init__(self) -> None:
        self.histogram = Histogram(MICROSECONDS)
        self._begun: dict[int, float] = {}  # seq of the change -> time of its verdict, oldest first

    def begin(self, seq: int, verdict: float) -> None:
        """Record ``seq`` changed a real's health because of what its probe found then."""
        while self._begun and verdict - self._begun[oldest := next(iter(self._begun))] > LONGEST:
            del self._begun[oldest]
        self._begun[seq] = verdict

    def end(self, causes: Iterable[int], now: float) -> None:
        """The machine did now what these records caused. Of several operations of one cause the first counts."""
        for seq in causes:
            verdict = self._begun.pop(seq, None)
            if verdict is not None:
                self.histogram.observe(now - verdict)
