"""The checker: one per real server. It owns the real's schedule, its streak and its outcome run.

It records a probe only when its (outcome, reason) differs from the last one, and a ``HealthChanged`` when the streak
reaches a threshold. A checker that crashes leaves its real's last health in force.

A check under a mark counts only while the mark's service is known to be in the kernel; and where it says other than is
believed, only once the machine confirms that the way to the real was open.
"""

from typing import NamedTuple

from msgspec.structs import replace
from pykka import ActorRef

from kglb.actors.marking import Path, stands
from kglb.actors.parts import Parts
from kglb.actors.recorder import RecordingActor, Run
from kglb.checks import Gate, MarkedDialer, Outcome, make_probe
from kglb.checks.counts import CheckCounts
from kglb.decisions import judge, observe
from kglb.events import HealthChanged, ProbeFlipped
from kglb.model import Check, ServiceId, asks_the_same, parse_endpoint, type_of
from kglb.projections import RealState


class Answered(NamedTuple):
    """What a probe found, and under which generation of the check it was asked."""

    generation: int
    outcome: Outcome


class Recheck(NamedTuple):
    """Command: check otherwise from now on; ``cause`` is the record of the config that says so."""

    check: Check
    gate: Gate | None
    cause: int
    path: Path | None = None


class Obstructed(NamedTuple):
    """Told to the parent when the machine did not confirm that a real can be checked."""


class Checker(RecordingActor):
    """Checks one real of one service at its own times, resuming from what the fleet knows of it.

    ``phase`` is the share of an interval, 0 to 1, by which the first probe waits. With a ``path`` the check goes
    through the VIP, else straight to the real.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        service: ServiceId,
        known: RealState,
        check: Check,
        gate: Gate | None,
        phase: float,
        parent: ActorRef["RecordingActor"],
        path: Path | None = None,
    ) -> None:
        super().__init__(parts.scheduler, parts.recorder, key=known.real, parent=parent)
        self._parts = parts
        self._service = service
        self._real = known.real
        self._healthy = known.healthy
        self._streak = known.streak
        self._outcome: str = known.outcome
        self._reason = known.reason
        self._run_seq = known.run_seq
        self._run: Run = parts.recorder.open_run(service, known.real, known.counted)
        self._phase = phase
        self._counts = parts.checked[service, known.real] = CheckCounts(parts.now())
        self._generation = 0
        self._use(check, gate, path)

    def _use(self, check: Check, gate: Gate | None, path: Path | None) -> None:
        self._generation += 1
        self._check = check
        self._durations = self._parts.probe_durations[type_of(check)]
        self._path = path
        generation, tell = self._generation, self.actor_ref.tell
        self._probe = make_probe(
            check,
            parse_endpoint(self._real) if path is None else path.target,
            answered=lambda outcome: tell(Answered(generation, outcome)),
            gate=gate,
            secrets=self._parts.secrets,
            dialer=None if path is None else self._marked(path, check),
        )

    def _is_placed(self) -> bool:
        """Whether the mark of the checks, if they have one, is known to lead to the real."""
        path = self._path
        return path is None or self.recorder.state.data_plane.holds_mark(path.mark, path.way)

    def on_start(self) -> None:
        """Schedule the first probe."""
        self._schedule_first()

    def _marked(self, path: Path, check: Check) -> MarkedDialer:
        return MarkedDialer(path.source, path.mark, self._is_placed, fin=check.close == "fin")

    def _schedule_first(self) -> None:
        self._parts.prober.schedule(self._probe, self._parts.now() + self._phase * self._check.interval)

    def on_receive(self, message: object) -> None:
        """Take an outcome in and schedule the next probe, or check otherwise."""
        match message:
            case Answered(generation, outcome):
                if generation == self._generation:
                    self._take_in(outcome)
            case Recheck():
                self._recheck(message)
            case _:
                raise TypeError(f"a checker is not told {message!r}")

    def _recheck(self, order: Recheck) -> None:
        """Drop the probe under way. Another question starts the streak anew; other thresholds decide at once."""
        self._parts.prober.cancel(self._probe)
        if not asks_the_same(self._check, order.check):
            self._streak, self._outcome, self._reason, self._run_seq = 0, "", "", 0
            self._run.count = 0
        self._use(order.check, order.gate, order.path)
        self._schedule_first()
        healthy = judge(self._healthy, self._streak, order.check.rise, order.check.fall)
        self._believe(healthy, order.cause, since=self._parts.now())

    def _take_in(self, outcome: Outcome) -> None:
        balancer = self.recorder.state.fleet.balancers.get(self._service)
        if balancer is None or balancer.config.check != self._check:
            return  # the answer to an older question: what to do instead is on its way here
        if not self._is_placed():
            outcome = replace(outcome, status="unknown", reason="mark not in the kernel")
        if self._path is not None and outcome.status == ("failure" if self._healthy else "success"):
            self.spawn(self._confirm(outcome, self._path, self._generation))
        else:
            self._count(outcome)

    async def _confirm(self, outcome: Outcome, path: Path, generation: int) -> None:
        """Count an outcome against what is believed only if the machine, as it is now, would have let it be otherwise.

        A sysctl that somebody has changed takes no healthy real out, a service that somebody has deleted brings no
        dead one back.
        """
        try:
            confirmed = await self._parts.worker.call(stands, self._parts.machine, path)
        except OSError:
            confirmed = False
        if generation != self._generation:
            return
        if not confirmed:
            outcome = replace(outcome, status="unknown", reason="way to the real obstructed")
            if self._parent is not None:
                self._parent.tell(Obstructed())
        self._count(outcome)

    def _count(self, outcome: Outcome) -> None:
        self._parts.prober.schedule(self._probe, self._next_due(outcome.due))
        self._parts.probes[outcome.status] += 1
        self._counts.add(outcome.status, self._parts.now())
        self._durations.observe(outcome.latency)
        if outcome.status == "unknown":
            self._parts.unknowns[outcome.reason] += 1
        else:
            self._observe(outcome)

    def _next_due(self, due: float) -> float:
        """The next of the real's own times that has not passed: lateness does not shift them."""
        interval = self._check.interval
        passed = (self._parts.now() - due) // interval
        return due + interval * (max(passed, 0.0) + 1.0)

    def _observe(self, outcome: Outcome) -> None:
        if outcome.status != self._outcome or outcome.reason != self._reason:
            self._flip(outcome)
        self._run.count += 1
        healthy, self._streak = observe(
            self._healthy, self._streak, outcome.status == "success", self._check.rise, self._check.fall
        )
        self._believe(healthy, self._run_seq, since=outcome.started + outcome.latency)

    def _believe(self, healthy: bool, cause: int, *, since: float) -> None:
        if healthy != self._healthy:
            self._healthy = healthy
            changed = HealthChanged(
                service=self._service,
                real=self._real,
                healthy=healthy,
                streak=self._streak,
                run=self._run_seq,
            )
            self._parts.reactions.begin(self.recorder.record(changed, cause=cause), since)

    def _flip(self, outcome: Outcome) -> None:
        assert outcome.status != "unknown"
        flipped = ProbeFlipped(
            service=self._service,
            real=self._real,
            outcome=outcome.status,
            reason=outcome.reason,
            detail=self.recorder.scrub(outcome.detail),
            latency=round(outcome.latency, 6),
            previous_count=self._run.count,
        )
        self._run_seq = self.recorder.record(flipped)
        self._outcome, self._reason = outcome.status, outcome.reason
        self._run.count = 0

    def on_stop(self) -> None:
        """Take the probe back; the real has no check any more."""
        self._let_go()
        if self._parts.checked.get((self._service, self._real)) is self._counts:
            del self._parts.checked[self._service, self._real]

    def on_failure(self, *_: object) -> None:
        """Take the probe back."""
        self._let_go()

    def _let_go(self) -> None:
        self._parts.prober.cancel(self._probe)
        self.recorder.forget_run(self._service, self._real, self._run)
