"""What the probes of one real have said so far, in numbers. For metrics: nothing is decided by it."""

from kglb.checks.outcome import Status


class CheckCounts:
    """Answers by status, and when the last one came; until then, when its checker began. Times are of the loop."""

    __slots__ = ("failure", "last", "success", "unknown")

    def __init__(self, began: float) -> None:
        self.last = began
        self.success = self.failure = self.unknown = 0

    def add(self, status: Status, now: float) -> None:
        """Count an answer that came now."""
        self.last = now
        match status:
            case "success":
                self.success += 1
            case "failure":
                self.failure += 1
            case "unknown":
                self.unknown += 1
