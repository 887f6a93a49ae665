"""What probes have found, until their receivers are told, the outcomes of a tick in one go; and how many there were."""

from collections.abc import Callable

from kglb.checks.outcome import Outcome
from kglb.checks.probe import Probe
from kglb.checks.timetable import new_ticket

Turn = Callable[[Callable[[], None]], None]
"""Is given what tells the receivers of a batch of outcomes, to call it."""

Complain = Callable[[str, Exception], None]
"""Is told what went wrong within the process, and the exception."""


class ProberStats:
    """Counts since the start. Of the seconds from due to started, ``lateness`` is the sum.

    ``worst_lateness`` is the largest of them; who starts early is not late.
    """

    __slots__ = ("answered", "lateness", "started", "unknown", "worst_lateness")

    def __init__(self) -> None:
        self.started = 0
        self.answered = 0
        self.unknown = 0
        self.lateness = 0.0
        self.worst_lateness = 0.0

    def begun(self, lateness: float) -> None:
        """Count a probe that started so many seconds after it was due, before if negative."""
        self.started += 1
        if lateness > 0:
            self.lateness += lateness
            self.worst_lateness = max(self.worst_lateness, lateness)


class Outbox:
    """Outcomes in the order they came. A probe that is cancelled meanwhile reports nothing."""

    __slots__ = ("_complain", "_finished", "_stats", "_turn")

    def __init__(self, stats: ProberStats, turn: Turn, complain: Complain) -> None:
        self._stats = stats
        self._turn = turn
        self._complain = complain
        self._finished: list[tuple[int, Probe, Outcome]] = []

    def add(self, probe: Probe, outcome: Outcome) -> None:
        """Have the probe's receiver told with the next batch."""
        probe.ticket = ticket = new_ticket()
        self._finished.append((ticket, probe, outcome))

    def send(self) -> None:
        """Tell all receivers."""
        if self._finished:
            self._turn(self._tell)

    def _tell(self) -> None:
        finished, self._finished = self._finished, []
        for ticket, probe, outcome in finished:
            if probe.ticket != ticket:
                continue  # cancelled by one before it
            probe.ticket = 0
            self._stats.answered += 1
            if outcome.status == "unknown":
                self._stats.unknown += 1
            try:
                probe.answered(outcome)
            except Exception as error:
                self._complain("the receiver of an outcome failed", error)
