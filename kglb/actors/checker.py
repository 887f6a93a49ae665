"""The checker: one per real server. It owns the real's schedule, its streak and its outcome run.

It records a probe only when its (outcome, reason) differs from the last one, and a ``HealthChanged`` when the streak
reaches a threshold. A checker that crashes leaves its real's last health in force.

A check under a mark counts only while the mark's service is known to be in the kernel. An outcome that contradicts the
real's health counts only after the machine has confirmed that the path to the real was open.

A real that is watched has an idle connection from the first probe that passes until one fails. When the connection is
lost, the real is probed at once. It is *in doubt* from then on until ``rise`` probes in a row have passed, and whenever
its streak contradicts its health; meanwhile ``fast_interval`` applies. Afterwards it returns to its own times, so that
a thousand reals that were in doubt together are not probed in step.
A real that is new (``kglb.decisions.pace``) is asked again soon, but in turn, as thousands of others may be new, too.
"""

from typing import NamedTuple

from msgspec.structs import replace
from pykka import ActorRef

from kglb.actors.doubt import Doubt
from kglb.actors.marking import Path, stands
from kglb.actors.own_times import OwnTimes
from kglb.actors.parts import Parts
from kglb.actors.recorder import RecordingActor
from kglb.actors.watchdog import Overdue
from kglb.checks.counts import CheckCounts
from kglb.checks.gate import Gate
from kglb.checks.make import make_idle, make_probe
from kglb.checks.marked import MarkedDialer
from kglb.checks.outcome import Outcome
from kglb.checks.probe import Probe
from kglb.checks.vigil import IdleConnection
from kglb.dataplane.worker import PATIENCE
from kglb.decisions import contradicts, judge, observe, pace_of
from kglb.events import HealthChanged, ProbeFlipped, WatchLost, WeightReported
from kglb.model import Check, ServiceId, asks_the_same, parse_endpoint, type_of
from kglb.projections import RealState


class Answered(NamedTuple):
    """What a probe found, and under which generation of the check it was asked."""

    generation: int
    outcome: Outcome


class Lost(NamedTuple):
    """The idle connection ended: which, how, and after how many seconds."""

    idle: IdleConnection
    how: str
    after: float


class Recheck(NamedTuple):
    """Command: check otherwise from now on; ``cause`` is the record of the config that says so."""

    check: Check
    gate: Gate[Probe] | None
    cause: int
    path: Path | None = None


class Obstructed(NamedTuple):
    """Told to the parent when the machine did not confirm that a real can be checked."""


class ProbeLostError(Exception):
    """Nobody holds the probe and its answer has not come: it never would."""


class Checker(RecordingActor):
    """Checks one real of one service at its own times, resuming from what the fleet knows of it.

    ``phase`` is as in ``OwnTimes``. With a ``path`` the check goes through the VIP, else straight to the real.
    """

    __slots__ = (
        "_check",
        "_confirming",
        "_counts",
        "_doubt",
        "_durations",
        "_generation",
        "_healthy",
        "_idle",
        "_new",
        "_own_times",
        "_parts",
        "_path",
        "_probe",
        "_real",
        "_run",
        "_service",
        "_streak",
    )

    def __init__(
        self,
        parts: Parts,
        *,
        service: ServiceId,
        known: RealState,
        check: Check,
        gate: Gate[Probe] | None,
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
        self._new = not known.healthy and not known.outcome
        self._run = parts.recorder.open_run(service, known)
        self._counts = parts.checked[service, known.real] = CheckCounts(parts.now())
        self._generation = 0
        self._own_times = OwnTimes(phase)
        self._doubt: Doubt | None = None
        self._confirming = 0  # the generation of the outcome that waits for the machine
        self._use(check, gate, path)

    def _use(self, check: Check, gate: Gate[Probe] | None, path: Path | None) -> None:
        self._generation += 1
        self._check = check
        self._durations = self._parts.probe_durations[type_of(check)]
        self._path = path
        target = parse_endpoint(self._real) if path is None else path.target
        dialer = None if path is None else self._marked(path, check)
        tell = self.actor_ref.tell
        self._probe = make_probe(
            check,
            target,
            answered=lambda outcome: tell(Answered(self._generation, outcome)),
            gate=gate,
            secrets=self._parts.secrets,
            dialer=dialer,
        )
        self._idle: IdleConnection | None = None
        if check.watch:
            self._idle = make_idle(check, target, lost=lambda *lost: tell(Lost(*lost)), dialer=dialer)

    def _is_placed(self) -> bool:
        """Whether the mark of the checks, if they have one, is known to lead to the real."""
        path = self._path
        return path is None or self.recorder.state.data_plane.holds_mark(path.mark, path.way)

    def on_start(self) -> None:
        """Schedule the first probe. Thresholds that are others than at the last probe decide at once."""
        self._schedule_first()
        self._judge(self.recorder.state.fleet.config_seq)

    def _marked(self, path: Path, check: Check) -> MarkedDialer:
        return MarkedDialer(path.source, path.mark, self._is_placed, fin=check.close == "fin")

    def _schedule_first(self) -> None:
        now = self._parts.now()
        self._schedule(self._own_times.first(now, self._check.interval, self._parts.first_turns.take(now)))

    def _schedule(self, due: float) -> None:
        self._parts.prober.schedule(self._probe, due)
        self._promise(due)

    def _promise(self, due: float) -> None:
        """Say by when the answer to a probe that is due then should have come."""
        self._parts.promises[self] = due + self._check.timeout + PATIENCE

    def on_receive(self, message: object) -> None:
        """Take an outcome in and schedule the next probe, or check otherwise."""
        match message:
            case Answered(generation, outcome):
                if generation == self._generation:
                    self._take_in(outcome)
            case Lost(idle):
                if idle is self._idle:
                    self._ask_at_once(message)
            case Recheck():
                self._recheck(message)
            case Overdue():
                self._look_for_probe()
            case _:
                raise TypeError(f"a checker is not told {message!r}")

    def _look_for_probe(self) -> None:
        """A probe may wait for its turn, an outcome for the machine, and that is no fault of this actor's."""
        if self._confirming != self._generation and not self._parts.prober.holds(self._probe):
            raise ProbeLostError(f"no answer {PATIENCE:g} s after its timeout, and none will come")
        self._promise(self._parts.now() + self._check.interval)

    def _recheck(self, order: Recheck) -> None:
        """Drop the probe under way. Another question starts the streak anew; other thresholds decide at once."""
        self._take_back()
        self._doubt = None
        if not asks_the_same(self._check, order.check):
            self._streak = 0
            self._new = not self._healthy
            self._run.forget()
        self._use(order.check, order.gate, order.path)
        self._schedule_first()
        self._judge(order.cause)

    def _judge(self, cause: int) -> None:
        healthy = judge(self._healthy, self._streak, self._check.rise, self._check.fall)
        self._believe(healthy, cause, since=self._parts.now())

    def _take_in(self, outcome: Outcome) -> None:
        if not self._is_in_force():
            return  # the answer to an older question: what to do instead is on its way here
        if not self._is_placed():
            outcome = replace(outcome, status="unknown", reason="mark not in the kernel")
        if self._path is not None and outcome.status == ("failure" if self._healthy else "success"):
            self.spawn(self._confirm(outcome, self._path, self._generation))
        else:
            self._count(outcome)

    def _is_in_force(self) -> bool:
        balancer = self.recorder.state.fleet.balancers.get(self._service)
        return balancer is not None and balancer.config.check == self._check

    async def _confirm(self, outcome: Outcome, path: Path, generation: int) -> None:
        """Count an outcome against what is believed only if the machine, as it is now, would have let it be otherwise.

        A sysctl that somebody has changed takes no healthy real out, a service that somebody has deleted brings no
        dead one back.
        """
        self._confirming = generation
        try:
            confirmed = await self._parts.worker.call(stands, self._parts.machine, path)
        except OSError:
            confirmed = False
        if generation != self._generation:
            return
        self._confirming = 0
        if not self._is_in_force():
            return
        if not confirmed:
            outcome = replace(outcome, status="unknown", reason="way to the real obstructed")
            if self._parent is not None:
                self._parent.tell(Obstructed())
        self._count(outcome)

    def _count(self, outcome: Outcome) -> None:
        answered = outcome.started + outcome.latency
        self._parts.probes[outcome.status] += 1
        self._counts.add(outcome.status, answered, outcome.latency)
        self._durations.observe(outcome.latency)
        if self._doubt is not None and self._doubt.seq is None:
            self._record_loss(self._doubt)
        if outcome.status == "unknown":
            self._parts.unknowns[outcome.reason] += 1
        else:
            self._observe(outcome)
            self._watch(passed=outcome.status == "success")
        self._schedule(self._next_due(outcome, answered))

    def _next_due(self, outcome: Outcome, answered: float) -> float:
        check = self._check
        in_doubt = self._in_doubt and outcome.status != "unknown"  # which says nothing of the real
        pace = pace_of(check, in_doubt=in_doubt, new=self._new)
        if pace == check.interval:
            return self._own_times.next(max(outcome.due, answered))
        soon = max(outcome.due + pace, answered)
        if pace == check.fast_interval:
            return soon
        turn = self._parts.further_turns.take(answered, latest=answered + check.interval - pace)
        return soon + turn - answered

    @property
    def _in_doubt(self) -> bool:
        return self._doubt is not None or contradicts(self._healthy, self._streak)

    def _ask_at_once(self, lost: Lost) -> None:
        """Probe now. What was asked before the loss is forgotten: it may have been answered before it, too."""
        self._doubt = Doubt(lost.how, lost.after, self._check.rise)
        self._generation += 1
        self._parts.prober.cancel(self._probe)
        self._schedule(self._parts.now())

    def _record_loss(self, doubt: Doubt) -> None:
        """Only now: it would go to the disk ahead of the records that the failover waits for, on a way of its own."""
        event = WatchLost(service=self._service, real=self._real, how=doubt.how, after=round(doubt.after, 6))
        doubt.seq = self.recorder.record(event)

    def _watch(self, *, passed: bool) -> None:
        if self._doubt is not None and self._doubt.ends(passed=passed):
            self._doubt = None
        if self._idle is None:
            return
        if passed:
            self._parts.vigil.hold(self._idle)
        else:
            self._parts.vigil.release(self._idle)

    def _observe(self, outcome: Outcome) -> None:
        if not self._run.goes_on(outcome.status, outcome.reason):
            self._flip(outcome)
        self._run.count += 1
        success = outcome.status == "success"
        healthy, self._streak = observe(self._healthy, self._streak, success, self._check.rise, self._check.fall)
        self._new = self._new and success and not healthy
        self._believe(healthy, self._run.seq, since=outcome.started + outcome.latency)
        if outcome.weight is not None:
            self._report(outcome.weight)

    def _report(self, weight: int) -> None:
        """Record what the real says of its weight, if it is news."""
        known = self.recorder.state.fleet.real(self._service, self._real)
        if known is not None and known.reported != weight:
            reported = WeightReported(service=self._service, real=self._real, weight=weight)
            self.recorder.record(reported, cause=self._run.seq or None)

    def _believe(self, healthy: bool, cause: int, *, since: float) -> None:
        if healthy != self._healthy:
            self._healthy = healthy
            changed = HealthChanged(
                service=self._service,
                real=self._real,
                healthy=healthy,
                streak=self._streak,
                run=self._run.seq,
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
        seq = self.recorder.record(flipped, cause=None if self._doubt is None else self._doubt.seq)
        self._run.begin(outcome.status, outcome.reason, seq)

    def on_stop(self) -> None:
        """Let go; the real has no check any more. (After a crash the next checker goes on counting.)"""
        super().on_stop()
        if self._parts.checked.get((self._service, self._real)) is self._counts:
            del self._parts.checked[self._service, self._real]

    def _take_back(self) -> None:
        self._parts.prober.cancel(self._probe)
        if self._idle is not None:
            self._parts.vigil.release(self._idle)

    def let_go(self) -> None:
        """Take probe and connection back."""
        super().let_go()
        self._take_back()
        self._parts.promises.pop(self, None)
        self.recorder.forget_run(self._service, self._real, self._run)
