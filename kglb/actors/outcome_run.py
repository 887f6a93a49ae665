"""An outcome run: the outcome that consecutive probes of one real had, since which record, and how often.

One record marks its beginning, another its length when it ends or is closed. So every probe ever made is on record.
"""

from kglb.projections import RealState


class OutcomeRun:
    """The run that goes on; owned by one checker, which takes up what is ``known`` of it.

    ``outcome`` is empty, and the ``seq`` of its record zero, while no probe has said anything. ``count`` is its length
    since it began or was last closed.
    """

    __slots__ = ("count", "outcome", "reason", "seq")

    def __init__(self, known: RealState) -> None:
        self.outcome: str = known.outcome
        self.reason = known.reason
        self.seq = known.run_seq
        self.count = known.counted

    def goes_on(self, outcome: str, reason: str) -> bool:
        """Whether such an outcome is one more of the run."""
        return outcome == self.outcome and reason == self.reason

    def begin(self, outcome: str, reason: str, seq: int) -> None:
        """Another run begins, by record ``seq``: of length zero, as the outcome that it begins with is yet to count."""
        self.outcome, self.reason, self.seq, self.count = outcome, reason, seq, 0

    def forget(self) -> None:
        """Another question is asked from now on: nothing has been said of it yet."""
        self.begin("", "", 0)
