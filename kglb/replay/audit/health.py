"""Is each real's health what its probes and thresholds make of it, and did it change at the right probe?

Outcome runs give every probe: those that a run has had unrecorded so far may not have reached a threshold, and the one
that does must be recorded as ``HealthChanged`` before anything else is about that real.
"""

from kglb.decisions import judge
from kglb.events import HealthChanged, OpenRun, ProbeFlipped, Record, RunsClosed, WatchLost
from kglb.model import RealId, ServiceId
from kglb.projections import FleetState, RealState
from kglb.replay.audit.diverged import Diverged, health_word, wrong_cause
from kglb.replay.words import plural, verdicts


class HealthAudit:
    """Health of all reals, beside the fleet that the records fold into; it has not seen those up to ``since``."""

    def __init__(self, fleet: FleetState, since: int) -> None:
        self._fleet = fleet
        self._since = since
        self._losses: dict[tuple[ServiceId, RealId], int] = {}

    def flipped(self, record: Record[ProbeFlipped]) -> None:
        """A run began: the one before may not have reached a threshold unnoticed."""
        cause, event = record.cause, record.event
        real = self._fleet.real(event.service, event.real)
        if real is None:
            return
        about = f"{event.real} in {event.service}"
        if (event.outcome, event.reason) == (real.outcome, real.reason):
            raise Diverged(about, recorded=f"that a run of {event.reason} began", decided="that it goes on")
        self._went_on(event.service, real, event.previous_count)
        if (cause or 0) > self._since and cause != self._losses.get((event.service, event.real)):
            raise wrong_cause(about, cause, "nothing, or the loss of the connection that it was watched by")

    def closed(self, record: Record[RunsClosed]) -> None:
        """Runs are so long by now, and none of them reached a threshold unnoticed."""
        event = record.event
        for run in event.runs:
            self._closed(run)

    def _closed(self, run: OpenRun) -> None:
        real = self._fleet.real(run.service, run.real)
        if real is not None:
            self._went_on(run.service, real, run.count)

    def changed(self, record: Record[HealthChanged]) -> None:
        """A threshold was reached: exactly now, and by these probes."""
        cause, event = record.cause, record.event
        real = self._fleet.real(event.service, event.real)
        if real is None:
            return
        about = f"{event.real} in {event.service}"
        recorded = f"{health_word(event.healthy)} after {verdicts(event.streak)}"
        sign = _sign(real)
        probes = (event.streak - real.streak) * sign
        if probes < 0 or (probes and not real.outcome):
            raise Diverged(about, recorded=recorded, decided=f"that it had {verdicts(real.streak)}")
        if event.run != real.run_seq:
            raise Diverged(about, recorded=f"outcome run {event.run}", decided=f"outcome run {real.run_seq}")
        if probes and self._judge(event.service, real, event.streak - sign) != real.healthy:
            raise Diverged(about, recorded=recorded, decided=f"so after {verdicts(event.streak - sign)} already")
        if self._judge(event.service, real, event.streak) != event.healthy or event.healthy == real.healthy:
            raise Diverged(about, recorded=recorded, decided=f"still {health_word(real.healthy)}")
        if cause not in (real.run_seq, self._fleet.config_seq):
            raise wrong_cause(about, cause, f"its outcome run {real.run_seq} or config {self._fleet.config_seq}")

    def lost(self, record: Record[WatchLost]) -> None:
        """What made the next probe come at once."""
        seq, event = record.seq, record.event
        self._losses[event.service, event.real] = seq

    def _went_on(self, service: ServiceId, real: RealState, count: int) -> None:
        about = f"{real.real} in {service}"
        if count < real.counted or (count and not real.outcome):
            known = f"one of at least {real.counted}" if real.outcome else "that there was none"
            raise Diverged(about, recorded=f"a run of {plural(count, 'probe')}", decided=known)
        streak = real.streak + _sign(real) * (count - real.counted)
        if self._judge(service, real, streak) != real.healthy:
            decided = f"{health_word(not real.healthy)} after {verdicts(streak)}"
            raise Diverged(about, recorded=f"still {health_word(real.healthy)}", decided=decided)

    def _judge(self, service: ServiceId, real: RealState, streak: int) -> bool:
        check = self._fleet.balancers[service].config.check
        return judge(real.healthy, streak, check.rise, check.fall)


def _sign(real: RealState) -> int:
    return 1 if real.outcome == "success" else -1
