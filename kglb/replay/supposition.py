"""The fleet as it would have been: recorded inputs, supposed health, and decisions by today's code.

A balancer is assumed to decide when the daemon's did; where that did not, after everything that came at one moment.
"""

from msgspec.structs import replace

from kglb.decisions import between_steps, decide_for, is_news, slow_starts, verdicts_of
from kglb.events import (
    Adopted,
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    Event,
    HealthChanged,
    NameResolved,
    PoolAnswered,
    PoolFailed,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
    Steering,
    WarmthChanged,
)
from kglb.model import RealId, ServiceId
from kglb.projections import BalancerState, State
from kglb.replay.figures import Ledger
from kglb.replay.settings import Settings
from kglb.replay.supposed import Change
from kglb.replay.timeline import STARTS

_TURN = 0.05
"""Seconds within which the daemon's own decision is waited for."""

_ABOUT_REALS = RealAdded | RealRemoved | Steering
_VERDICTS = ProbeFlipped | ChecksImpossible | ChecksResumed
_SOURCES = NameResolved | PoolAnswered | PoolFailed
_INPUTS = DaemonStarted | Adopted | DaemonStopping | ConfigApplied | _SOURCES | _ABOUT_REALS | _VERDICTS
"""Kinds of events that are as they were, whatever the settings."""


class Supposition:
    """Follows a ``state`` of its own; everything comes in the order of time. ``ledger`` has what it comes to."""

    def __init__(self, state: State, settings: Settings) -> None:
        self.ledger = Ledger()
        self._state = state
        self._settings = settings
        self._touched: dict[ServiceId, dict[RealId, int]] = {}
        self._since: dict[ServiceId, float] = {}
        self._steps: dict[tuple[ServiceId, RealId], float] = {}  # when the next step of each slow start is due

    def begin(self, now: float) -> None:
        """The settings come into force."""
        fleet = self._state.fleet
        self.ledger.begin(fleet, now)
        if fleet.config is not None and not fleet.stopped:
            self._configure(ConfigApplied(digest="", source="", config=fleet.config), self._state.seq, now)

    def recorded(self, seq: int, event: Event, now: float) -> None:
        """Something was recorded: an input, or a decision, which is made here in its place."""
        if isinstance(event, STARTS):
            self._since.clear()
            self._steps.clear()
        if isinstance(event, BalancerDecided):
            self._decide(event.service, now)
        elif isinstance(event, ConfigApplied):
            self._configure(event, seq, now)
        elif isinstance(event, _INPUTS):
            self._state.fold(seq, event)
            if isinstance(event, DaemonStopping):
                self.ledger.stop(now)
            elif isinstance(event, DaemonStarted):
                self.ledger.begin(self._state.fleet, now)
            elif isinstance(event, _ABOUT_REALS):
                self._touch(seq, event.service, event.real, now)
            elif isinstance(event, _VERDICTS):
                self._judged(seq, event, now)
            elif isinstance(event, Adopted):
                for one in event.unaccounted:
                    self._touch(seq, one.service, one.real, now)
            if isinstance(event, RealRemoved):
                self.ledger.removed(event.service, event.real, now)

    def change(self, seq: int, change: Change) -> None:
        """A real's health would have changed."""
        changed = HealthChanged(
            service=change.service, real=change.real, healthy=change.healthy, streak=change.streak, run=change.run
        )
        self._state.fold(seq, changed)
        self.ledger.changed(change.service)
        self._touch(seq, change.service, change.real, change.time)

    def pass_to(self, now: float) -> None:
        """Time goes by: whoever has not decided by now has decided in between."""
        self._settle(now, _TURN)

    def finish(self, now: float) -> None:
        """The end of the stretch."""
        self._settle(now, 0.0)
        self.ledger.stop(now)

    def _settle(self, now: float, patience: float) -> None:
        """Have decided who has had so many seconds for it."""
        self._notice_steps(now)
        while self._since:
            service, since = next(iter(self._since.items()))
            if now - since < patience:
                return
            self._decide(service, since)
            self._notice_steps(now)

    def _notice_steps(self, now: float) -> None:
        for (service, _), due in self._steps.items():
            if due <= now:
                self._since.setdefault(service, due)

    def _judged(self, seq: int, event: _VERDICTS, now: float) -> None:
        balancer = self._state.fleet.balancers.get(event.service)
        if balancer is not None and balancer.awaits:
            for real in verdicts_of(event):
                self._touch(seq, event.service, real, now)

    def _touch(self, seq: int, service: ServiceId, real: RealId, now: float) -> None:
        self._touched.setdefault(service, {})[real] = seq
        self._since.setdefault(service, now)

    def _configure(self, event: ConfigApplied, seq: int, now: float) -> None:
        self._state.fold(seq, replace(event, config=self._settings.apply(event.config)))
        for service, balancer in self._state.fleet.balancers.items():
            self._touched[service] = dict.fromkeys(balancer.reals, seq)
            self._since.setdefault(service, now)
            for name, real in balancer.reals.items():
                if real.warming is not None:
                    self._steps[service, name] = now + between_steps(balancer.config.slow_start)

    def _decide(self, service: ServiceId, now: float) -> None:
        self._since.pop(service, None)
        touched = self._touched.pop(service, {})
        balancer = self._state.fleet.balancers.get(service)
        if balancer is None or self._state.fleet.stopped:
            self._steps = {key: due for key, due in self._steps.items() if key[0] != service}
            return
        self._warm(balancer, touched, now)
        decision = decide_for(balancer, touched)
        if not is_news(balancer, decision):
            return
        decided = BalancerDecided(
            service=service,
            balancer=balancer.config.name,
            mode=decision.mode,
            alive=balancer.alive,
            total=balancer.total,
            weights=decision.weights,
            seen=self._state.seq,
        )
        self.ledger.decided(balancer, decided, now)
        self._state.fold(self._state.seq, decided)

    def _warm(self, balancer: BalancerState, touched: dict[RealId, int], now: float) -> None:
        """Whose slow start would have begun, gone on or ended: its steps are not those that were recorded."""
        service, tenths = balancer.config.id, {}
        for (of, name), due in list(self._steps.items()):
            if of == service and due <= now:
                del self._steps[of, name]
                if (real := balancer.reals.get(name)) is not None and real.warming is not None:
                    tenths[name] = real.tenths + 1
        tenths |= slow_starts(balancer, touched)
        if not tenths:
            return
        seq = self._state.seq
        self._state.fold(seq, WarmthChanged(service=service, tenths=tenths, causes=dict.fromkeys(tenths, seq)))
        for name in tenths:
            touched[name] = seq
            if balancer.reals[name].warming is not None:
                self._steps[service, name] = now + between_steps(balancer.config.slow_start)
