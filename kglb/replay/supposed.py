"""When would each real have been healthy under other settings?

A streak does not depend on thresholds, so outcome runs give every streak there was. Between two records about a real
its probes are known by number, not by time: they are taken to be as far apart as ``pace_of`` says. Under another
interval they are imagined: a real is taken to have answered as it did at that moment.
"""

from dataclasses import dataclass

from kglb.decisions import contradicts, judge, observe, pace_of
from kglb.events import (
    Adopted,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    HealthChanged,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
    RunsClosed,
)
from kglb.model import Check, RealId, ServiceId, asks_the_same
from kglb.projections import RealState, State
from kglb.replay.settings import Settings
from kglb.replay.source import Found
from kglb.replay.timeline import Timeline

Key = tuple[ServiceId, RealId]


@dataclass(slots=True)
class Change:
    """A real would have become healthy, or not: when, and after how many equal verdicts.

    ``seq`` is the record with which it would have, 0 if that is between two. ``estimated`` says that the moment is not
    known from a record.
    """

    time: float
    at: str
    seq: int
    service: ServiceId
    real: RealId
    healthy: bool
    streak: int
    run: int
    estimated: bool


@dataclass(slots=True)
class _Supposed:
    """What would be believed of a real, the last probe that is accounted for (when, and the streak then), and whether
    one may have failed under this check: else the real is new while it is down.
    """

    healthy: bool
    time: float
    streak: int
    failed: bool = False
    last: Change | None = None


class SupposedHealth:
    """Follows a recorded ``state``, record by record; ``changes`` are those of health under the settings.

    ``take`` is called before a record is folded, ``taken`` after.
    """

    def __init__(self, state: State, settings: Settings, timeline: Timeline) -> None:
        self.changes: list[Change] = []
        self._state = state
        self._settings = settings
        self._timeline = timeline
        self._known: dict[Key, _Supposed] = {}
        self._checks: dict[ServiceId, Check] = {}
        self._running = state.fleet.config is not None and not state.fleet.stopped

    def begin(self) -> None:
        """Suppose that the settings come into force now, with what is believed so far."""
        for service, balancer in self._state.fleet.balancers.items():
            for real in balancer.reals.values():
                now, asked = self._timeline.now, bool(real.outcome)
                self._known[service, real.real] = _Supposed(real.healthy, now, real.streak, failed=asked)
        self._configure(self._state.seq)

    def take(self, record: Found) -> None:
        """Account for the probes up to a record about a real."""
        match record.event:
            case ProbeFlipped(service=service, real=real, previous_count=count):
                self._reach((service, real), self._streak_at(service, real, count), 0, further=1)
            case HealthChanged(service=service, real=real, streak=streak):
                self._reach((service, real), streak, record.seq, further=0)
                self._name((service, real), record.seq, record.event)
            case RunsClosed(runs=runs):
                for run in runs:
                    self._reach((run.service, run.real), self._streak_at(run.service, run.real, run.count), 0)
            case DaemonStopping():
                self._running = False

    def taken(self, record: Found) -> None:
        """Go on from what the record has made of the state."""
        match record.event:
            case RealAdded(service=service, real=real, healthy=healthy):
                self._known.setdefault((service, real), _Supposed(healthy, self._timeline.now, 0))
            case Adopted(unaccounted=unaccounted):
                for one in unaccounted:
                    self._known[one.service, one.real] = _Supposed(True, self._timeline.now, 0)
            case RealRemoved(service=service, real=real):
                self._known.pop((service, real), None)
            case ProbeFlipped(service=service, real=real):
                self._observe((service, real), record.seq)
            case ConfigApplied():
                self._configure(record.seq)
            case DaemonStarted():
                self._start_again()

    def finish(self) -> None:
        """Let the runs that are open go on, an interval at a time, until now."""
        if not self._running:
            return
        for (service, name), supposed in self._known.items():
            real = self._state.fleet.real(service, name)
            if real is not None and real.outcome:
                probes = int((self._timeline.now - supposed.time) // self._spacing(service, real, supposed))
                self._reach((service, name), supposed.streak + _sign(real) * probes, 0)

    # --- probes ---------------------------------------------------------------------------------------------------

    def _streak_at(self, service: ServiceId, name: RealId, count: int) -> int:
        """The streak once the run has had so many probes since it began or was last closed."""
        real = self._state.fleet.real(service, name)
        return 0 if real is None else real.streak + _sign(real) * (count - real.counted)

    def _reach(self, key: Key, streak: int, seq: int, further: int | None = None) -> None:
        """The run goes on to this streak. The probe ``further`` so many is made now; None: no probe is known to be."""
        real, supposed = self._state.fleet.real(*key), self._known.get(key)
        if real is None or supposed is None or not real.outcome:
            return
        if self._settings.pace:
            self._imagine(key, real, supposed)
            return
        probes = abs(streak - supposed.streak)
        now, since = self._timeline.now, supposed.time
        spacing = self._spacing(key[0], real, supposed)
        if further is not None and probes + further:
            spacing = (now - since) / (probes + further)
        crossed = self._crossed(key[0], supposed, _sign(real), streak)
        if crossed is not None:
            exact = bool(seq) and crossed == streak
            time = now if exact else min(since + abs(crossed - supposed.streak) * spacing, now)
            self._change(key, crossed, seq if exact else 0, time)
        supposed.streak = streak
        supposed.time = min(since + probes * spacing, now)

    def _crossed(self, service: ServiceId, supposed: _Supposed, sign: int, streak: int) -> int | None:
        """The streak at which health changes on the way to ``streak``; None if it does not."""
        check = self._checks[service]
        if streak == supposed.streak or supposed.healthy == (sign > 0):
            return None
        first = max(abs(supposed.streak + sign), check.rise if sign > 0 else check.fall)
        return sign * first if first <= abs(streak) else None

    def _observe(self, key: Key, seq: int) -> None:
        """The first probe of a run is made now."""
        real, supposed = self._state.fleet.real(*key), self._known.get(key)
        if real is None or supposed is None:
            return
        check, success = self._checks[key[0]], _sign(real) > 0
        healthy, streak = observe(supposed.healthy, supposed.streak, success, check.rise, check.fall)
        supposed.failed = supposed.failed or not success
        supposed.time = self._timeline.now
        supposed.streak = streak
        if healthy != supposed.healthy:
            self._change(key, streak, seq, self._timeline.now)

    def _imagine(self, key: Key, real: RealState, supposed: _Supposed) -> None:
        """Probe at the supposed pace until now; what was answered at the last record is answered until then."""
        check, now, sign = self._checks[key[0]], self._timeline.now, _sign(real)
        while True:
            settled = supposed.healthy == (sign > 0) and abs(supposed.streak) >= max(check.rise, check.fall)
            in_doubt = not settled and contradicts(supposed.healthy, supposed.streak)
            spacing = pace_of(check, in_doubt=in_doubt, new=not supposed.failed and not supposed.healthy)
            probes = max(1, int((now - supposed.time) // spacing)) if settled else 1
            if supposed.time + probes * spacing >= now:
                return
            supposed.time += probes * spacing
            supposed.streak = supposed.streak + sign * probes if supposed.streak * sign > 0 else sign
            if judge(supposed.healthy, supposed.streak, check.rise, check.fall) != supposed.healthy:
                self._change(key, supposed.streak, 0, supposed.time)

    def _spacing(self, service: ServiceId, real: RealState, supposed: _Supposed) -> float:
        """Seconds between two probes: what is recorded of a real decides whether it is in doubt."""
        in_doubt = contradicts(real.healthy, _sign(real))
        return pace_of(self._checks[service], in_doubt=in_doubt, new=not supposed.failed and not real.healthy)

    # --- what follows -----------------------------------------------------------------------------------------------

    def _change(self, key: Key, streak: int, seq: int, time: float) -> None:
        supposed, real = self._known[key], self._state.fleet.real(*key)
        assert real is not None
        supposed.healthy = not supposed.healthy
        supposed.last = Change(
            time=time,
            at=self._timeline.at(time),
            seq=seq,
            service=key[0],
            real=key[1],
            healthy=supposed.healthy,
            streak=streak,
            run=real.run_seq,
            estimated=self._settings.pace or not seq,
        )
        self.changes.append(supposed.last)

    def _name(self, key: Key, seq: int, event: HealthChanged) -> None:
        """A change that was recorded has that record's number, though the probe that led to it was recorded before."""
        supposed = self._known.get(key)
        last = None if supposed is None or self._settings.pace else supposed.last
        if last is not None and (last.healthy, last.streak, last.run) == (event.healthy, event.streak, event.run):
            last.seq, last.time, last.at = seq, self._timeline.now, self._timeline.at(self._timeline.now)

    def _configure(self, seq: int) -> None:
        """Other thresholds decide at once; another question begins at nought."""
        fleet = self._state.fleet
        if fleet.config is None:
            return
        self._running = not fleet.stopped
        before = self._checks
        self._checks = {balancer.id: balancer.check for balancer in self._settings.apply(fleet.config).balancers}
        for key, supposed in self._known.items():
            check = self._checks.get(key[0])
            if check is None:
                continue
            if key[0] in before and not asks_the_same(before[key[0]], check):
                supposed.streak, supposed.failed = 0, False
            if judge(supposed.healthy, supposed.streak, check.rise, check.fall) != supposed.healthy:
                self._change(key, supposed.streak, seq, self._timeline.now)

    def _start_again(self) -> None:
        """What is forgotten is forgotten here, too; nobody has probed meanwhile."""
        self._running = False
        fleet = self._state.fleet
        self._known = {key: supposed for key, supposed in self._known.items() if fleet.real(*key) is not None}
        for supposed in self._known.values():
            supposed.time = self._timeline.now


def _sign(real: RealState) -> int:
    return 1 if real.outcome == "success" else -1
