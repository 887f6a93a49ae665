"""All audits of one stretch of a journal: which of them looks at which record, before and after it is folded."""

from collections.abc import Callable
from typing import Any, get_args

from kglb.decisions import verdicts_of
from kglb.events import (
    ActorCrashed,
    Adopted,
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    HealthChanged,
    JournalGap,
    JournalRepaired,
    MarkAssigned,
    MarkReleased,
    NameResolved,
    OperationFailed,
    OperationsApplied,
    PoolAnswered,
    ProbeFlipped,
    RealAdded,
    RealKept,
    RealLeaving,
    RealRemoved,
    Record,
    RecordsLost,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
    RunsClosed,
    SegmentOpened,
    Steering,
    WarmthChanged,
    WatchLost,
)
from kglb.model import ServiceId
from kglb.projections import State
from kglb.replay.audit.balancing import BalancingAudit
from kglb.replay.audit.diverged import Diverged
from kglb.replay.audit.health import HealthAudit
from kglb.replay.audit.machine import MachineAudit
from kglb.replay.audit.marks import MarksAudit
from kglb.replay.audit.reals import RealsAudit
from kglb.replay.audit.routing import RoutingAudit
from kglb.replay.source import Found

DECISIONS = frozenset(
    {
        HealthChanged,
        PoolAnswered,
        RealAdded,
        RealLeaving,
        RealKept,
        RealRemoved,
        MarkAssigned,
        MarkReleased,
        WarmthChanged,
        BalancerDecided,
        RoutesDecided,
    }
)
"""What is decided again; operations are besides."""

_LOOK = 1.0
"""Seconds by the journal's monotonic clock between two looks for decisions that have not come."""

_TOUCHING = HealthChanged | RealAdded | RealRemoved | Steering
"""Kinds of events after which a balancer decides about one real."""


_OF_THE_JOURNAL = (JournalRepaired, SegmentOpened, JournalGap, RecordsLost)
"""Kinds of events that say nothing about whether anybody was there to decide."""


class Auditor:
    """Audits the records that follow ``state``, and folds them into it."""

    def __init__(self, state: State) -> None:
        since = state.seq
        self._state = state
        self._health = HealthAudit(state.fleet, since)
        self._reals = RealsAudit(state, since)
        self._balancing = BalancingAudit(state.fleet, since)
        self._routing = RoutingAudit(state)
        self._marks = MarksAudit(state.fleet)
        self._machine = MachineAudit(state.data_plane, since)
        self._next_look = 0.0
        self._decides = state.fleet.config is not None and not state.fleet.stopped
        self._checks: dict[type, tuple[Callable[[Any], None], ...]] = {
            ProbeFlipped: (self._health.flipped,),
            RunsClosed: (self._health.closed,),
            HealthChanged: (self._health.changed,),
            WatchLost: (self._health.lost,),
            Adopted: (self._reals.adopted,),
            RealAdded: (self._reals.added,),
            RealRemoved: (self._reals.removed,),
            RealLeaving: (self._reals.removed,),
            RealKept: (self._reals.kept,),
            NameResolved: (self._reals.resolved,),
            PoolAnswered: (self._reals.answered,),
            WarmthChanged: (self._balancing.warmed,),
            BalancerDecided: (self._reals.decided, self._balancing.decided),
            RoutesDecided: (self._routing.decided,),
            MarkAssigned: (self._marks.assigned,),
            MarkReleased: (self._marks.released,),
            OperationsApplied: (self._machine.applied,),
            OperationFailed: (self._machine.failed,),
            RouteAnnounced: (self._machine.routed,),
            RouteWithdrawn: (self._machine.routed,),
        }
        self._notes: dict[type, Callable[[Any], None]] = {
            **dict.fromkeys(get_args(_TOUCHING), self._touched),
            **dict.fromkeys((ProbeFlipped, ChecksImpossible, ChecksResumed), self._judged),
            WarmthChanged: self._warmed,
            BalancerDecided: self._routing.balanced,
            RoutesDecided: lambda _: self._routing.settled(),
            ConfigApplied: self._configured,
            ActorCrashed: self._crashed,
            DaemonStopping: lambda _: self._stop(),
            DaemonStarted: self._started,
            JournalRepaired: lambda _: self._stop(),
        }
        state.data_plane.mark_everything(since)
        self._note_wishes()

    def audit(self, record: Found) -> Diverged | None:
        """Check one record and fold it; how it differs from what the decision code says, if it does."""
        diverged = self._check(record)
        self._state.fold(record.seq, record.event)
        if (note := self._notes.get(type(record.event))) is not None:
            note(record)
        if self._state.data_plane.dirty:
            self._note_wishes()
        return diverged

    def _check(self, record: Found) -> Diverged | None:
        cause = record.cause
        if cause is not None and not 0 < cause < record.seq:
            return Diverged("cause", recorded=f"cause {cause}", decided="that it is an earlier record")
        try:
            if record.mono >= self._next_look and type(record.event) not in _OF_THE_JOURNAL:
                self._look_for_missing(record.mono)
            for check in self._checks.get(type(record.event), ()):
                check(record)
        except Diverged as diverged:
            return diverged
        return None

    def _look_for_missing(self, mono: float) -> None:
        self._next_look = mono + _LOOK
        if self._decides:
            self._balancing.in_time(mono)
            self._routing.in_time(mono)

    def _touched(self, record: Found) -> None:
        event = record.event
        assert isinstance(event, _TOUCHING)
        self._balancing.happened(record.seq, record.mono, event.service, event.real)

    def _warmed(self, record: Record[WarmthChanged]) -> None:
        for real, tenths in record.event.tenths.items():
            if tenths > 1:  # one that begins was touched by what brought it back
                self._balancing.happened(record.seq, record.mono, record.event.service, real)

    def _judged(self, record: Found) -> None:
        event = record.event
        assert isinstance(event, ProbeFlipped | ChecksImpossible | ChecksResumed)
        balancer = self._state.fleet.balancers.get(event.service)
        if balancer is not None and balancer.awaits:
            for real in verdicts_of(event):
                self._balancing.judged(record.seq, record.mono, event.service, real)

    def _configured(self, record: Found) -> None:
        """Everything may be decided otherwise."""
        self._decides = True
        self._reals.configured()
        self._balancing.configured(record.seq, record.mono)
        self._routing.configured(record.seq, record.mono)

    def _stop(self) -> None:
        """Nobody decides any more."""
        self._decides = False
        self._balancing.stopped()
        self._routing.stopped()

    def _started(self, record: Found) -> None:
        self._stop()
        self._next_look = record.mono
        self._machine.started()
        self._routing.started_again(record.mono)

    def _note_wishes(self) -> None:
        self._machine.note(self._state.data_plane.take_dirty())

    def _crashed(self, record: Record[ActorCrashed]) -> None:
        retry_at = record.mono + record.event.retry_in
        kind, _, name = record.event.actor.partition(" ")
        if kind == "applier":
            self._machine.applier_crashed(record.seq)
        elif kind == "router":
            self._routing.started_again(retry_at)
        elif kind == "balancer":
            self._balancing.crashed(ServiceId(name), retry_at)
