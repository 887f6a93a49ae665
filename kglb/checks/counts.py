"""What the probes of one real, and the source of one pool, have said so far, in numbers.

They are for metrics: nothing is decided by them.
"""

from msgspec import Struct

from kglb.checks.outcome import Status


class CheckCounts:
    """Answers by status, and when the last one came; until then, when its checker began. Times are of the loop.

    ``latency`` is what the last one took, in seconds; None until one came that said something of the real.
    ``streak`` is how many in a row passed, or failed if negative.
    """

    __slots__ = ("failure", "last", "latency", "streak", "success", "unknown")

    def __init__(self, began: float) -> None:
        self.last = began
        self.success = self.failure = self.unknown = self.streak = 0
        self.latency: float | None = None

    def add(self, status: Status, now: float, latency: float) -> None:
        """Count an answer that came now and took ``latency`` seconds."""
        self.last = now
        if status != "unknown":
            self.latency = latency
        match status:
            case "success":
                self.success += 1
                self.streak = max(self.streak, 0) + 1
            case "failure":
                self.failure += 1
                self.streak = min(self.streak, 0) - 1
            case "unknown":
                self.unknown += 1


class SourceCounts(Struct):
    """When the source of a pool last gave an answer, in seconds since the epoch (None: never), and how often it gave
    none.
    """

    answered: float | None = None
    failures: int = 0
