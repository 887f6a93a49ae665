"""What would have differed under other settings? Decides a stretch of a journal again, and compares.

First the journal is read for the health that each real would have had (``supposed``), then once more for the decisions
that would have followed (``supposition``), beside those that were recorded. What probes found is taken as it is.
"""

from collections import deque

import msgspec

from kglb.decisions import VERSION
from kglb.events import (
    BalancerDecided,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    HealthChanged,
    JournalGap,
    RealRemoved,
    RecordsLost,
)
from kglb.model import RealId, ServiceId
from kglb.projections import State
from kglb.replay.errors import ReplayError
from kglb.replay.figures import Figures, Ledger
from kglb.replay.names import Names
from kglb.replay.settings import Settings
from kglb.replay.source import Found, Source
from kglb.replay.state_at import state_at
from kglb.replay.supposed import Change, SupposedHealth
from kglb.replay.supposition import Supposition
from kglb.replay.timeline import STARTS, Timeline
from kglb.replay.words import plural


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A real became healthy, or not: as it was ``recorded``, as it is ``supposed``, or both.

    ``seq`` is the record, 0 if it would have been between two. ``estimated`` says that ``at`` is not known exactly.
    """

    at: str
    seq: int
    balancer: str
    service: ServiceId
    real: RealId
    healthy: bool
    streak: int
    recorded: bool
    supposed: bool
    estimated: bool = False


class RealSides(msgspec.Struct, frozen=True, kw_only=True):
    """For how many seconds a real had weight 0."""

    real: RealId
    recorded: float
    supposed: float


class BalancerSides(msgspec.Struct, frozen=True, kw_only=True):
    """One balancer, as it was and as it would have been."""

    balancer: str
    service: ServiceId
    recorded: Figures
    supposed: Figures
    reals: tuple[RealSides, ...]


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides of the records ``first`` to ``last``. ``estimates`` says what is not exact in the supposed one."""

    first: int
    last: int
    since: str
    until: str
    settings: tuple[str, ...]
    estimates: tuple[str, ...]
    balancers: tuple[BalancerSides, ...]
    transitions: tuple[Transition, ...]


class GapError(ReplayError):
    """Records are missing in the middle of the stretch."""


def whatif(source: Source, settings: Settings, first: int, last: int, end: str = "") -> WhatIf:
    """Suppose the settings from record ``first`` on, to record ``last`` and, if the daemon ran on, to the time ``end``.

    Until then the runs that are open at the last record go on: any other answer would have been recorded.
    Raises SettingError, GapError, CheckpointError, NothingRecordedError.
    """
    changes = _supposed_changes(source, settings, first, last, end)
    sides = _Sides(source, settings, first, changes)
    for record in source.between(first, last):
        sides.take(record)
    return sides.finish(end)


def _begin(source: Source, first: int) -> State:
    """The state before a record, or that of the checkpoint with which the journal begins."""
    return state_at(source, max(first - 1, source.bounds()[0])).state


def _supposed_changes(source: Source, settings: Settings, first: int, last: int, end: str) -> list[Change]:
    """The first reading: when each real would have become healthy, and when not."""
    state, timeline = _begin(source, first), Timeline()
    health = SupposedHealth(state, settings, timeline)
    configs = [] if state.fleet.config is None else [state.fleet.config]
    for record in source.between(first, last):
        if isinstance(record.event, JournalGap | RecordsLost):
            raise GapError(f"records are missing before record {record.seq}: begin behind it, or end before it")
        timeline.advance(record)
        if record.seq == first:
            health.begin()
        health.take(record)
        state.fold(record.seq, record.event)
        health.taken(record)
        if isinstance(record.event, ConfigApplied):
            configs.append(record.event.config)
    settings.require_balancers(configs)
    timeline.reach(end)
    health.finish()
    return health.changes


class _Sides:
    """The second reading: what was recorded, and what is supposed, side by side."""

    def __init__(self, source: Source, settings: Settings, first: int, changes: list[Change]) -> None:
        self._state = _begin(source, first)
        self._settings = settings
        self._changes = changes
        self._timeline = Timeline()
        self._ledger = Ledger()
        self._supposition = Supposition(_begin(source, first), settings)
        self._by_seq: dict[int, list[Change]] = {}
        for change in changes:
            if change.seq:
                self._by_seq.setdefault(change.seq, []).append(change)
        between = (change for change in changes if not change.seq)
        self._between = deque(sorted(between, key=lambda change: change.time))
        self._recorded: dict[int, tuple[str, HealthChanged]] = {}
        self._older = 0
        self._first = first
        self._since = ""
        self._last = first

    def take(self, record: Found) -> None:
        """Follow one record on both sides."""
        before = self._timeline.now
        now = self._timeline.advance(record)
        if not self._since:
            self._since = record.at
            self._ledger.begin(self._state.fleet, now)
            self._supposition.begin(now)
            self._suppose(self._state.seq)
        self._last = record.seq
        self._suppose_until(before if isinstance(record.event, STARTS) else now)  # who has died decides nothing
        self._supposition.recorded(record.seq, record.event, now)
        self._suppose(record.seq)
        self._record(record, now)

    def _suppose_until(self, now: float) -> None:
        self._change_until(now)
        self._supposition.pass_to(now)

    def _change_until(self, now: float) -> None:
        while self._between and self._between[0].time < now:
            change = self._between.popleft()
            self._supposition.pass_to(change.time)
            self._supposition.change(self._state.seq, change)

    def _suppose(self, seq: int) -> None:
        for change in self._by_seq.pop(seq, ()):
            self._supposition.change(seq, change)

    def _record(self, record: Found, now: float) -> None:
        event, fleet = record.event, self._state.fleet
        match event:
            case BalancerDecided(service=service) if service in fleet.balancers:
                self._ledger.decided(fleet.balancers[service], event, now)
            case HealthChanged(service=service):
                self._ledger.changed(service)
                self._recorded[record.seq] = (record.at, event)
            case RealRemoved(service=service, real=real):
                self._ledger.removed(service, real, now)
            case DaemonStopping():
                self._ledger.stop(now)
            case DaemonStarted(decisions=version):
                self._older += version != VERSION
        self._state.fold(record.seq, event)
        if isinstance(event, DaemonStarted):
            self._ledger.begin(fleet, now)

    def finish(self, end: str) -> WhatIf:
        """What came of it."""
        now = self._timeline.reach(end)
        self._change_until(float("inf"))
        self._supposition.finish(now)
        self._ledger.stop(now)
        config = self._state.fleet.config
        names = Names(() if config is None else config.balancers)
        return WhatIf(
            first=self._first,
            last=self._last,
            since=self._since,
            until=self._timeline.at(now),
            settings=tuple(map(str, self._settings.settings)),
            estimates=self._estimates(),
            balancers=self._balancers(names),
            transitions=self._transitions(names),
        )

    def _balancers(self, names: Names) -> tuple[BalancerSides, ...]:
        recorded, supposed = self._ledger, self._supposition.ledger
        reals: dict[ServiceId, list[RealSides]] = {}
        for key in {**recorded.out, **supposed.out}:
            sides = RealSides(
                real=key[1],
                recorded=round(recorded.out.get(key, 0.0), 6),
                supposed=round(supposed.out.get(key, 0.0), 6),
            )
            reals.setdefault(key[0], []).append(sides)
        return tuple(
            BalancerSides(
                balancer=names.label(service),
                service=service,
                recorded=recorded.figures.get(service, Figures()),
                supposed=supposed.figures.get(service, Figures()),
                reals=tuple(reals.get(service, ())),
            )
            for service in {**recorded.figures, **supposed.figures, **reals}
        )

    def _transitions(self, names: Names) -> tuple[Transition, ...]:
        """All of them, in the order of time."""
        found = [
            Transition(
                at=change.at,
                seq=change.seq,
                balancer=names.label(change.service),
                service=change.service,
                real=change.real,
                healthy=change.healthy,
                streak=change.streak,
                recorded=self._is_recorded(change),
                supposed=True,
                estimated=change.estimated,
            )
            for change in self._changes
        ]
        supposed = {(change.seq, change.healthy) for change in self._changes}
        found += [
            Transition(
                at=at,
                seq=seq,
                balancer=names.label(event.service),
                service=event.service,
                real=event.real,
                healthy=event.healthy,
                streak=event.streak,
                recorded=True,
                supposed=False,
            )
            for seq, (at, event) in self._recorded.items()
            if (seq, event.healthy) not in supposed
        ]
        return tuple(sorted(found, key=lambda transition: (transition.at, transition.seq)))

    def _is_recorded(self, change: Change) -> bool:
        _, event = self._recorded.get(change.seq, ("", None))
        return event is not None and event.healthy == change.healthy

    def _estimates(self) -> tuple[str, ...]:
        found = []
        if self._settings.pace:
            found.append(
                "under another interval a real is taken to have answered as at the last probe that was recorded"
            )
        elif estimated := sum(change.estimated for change in self._changes):
            found.append(
                f"{plural(estimated, 'transition')} between two records: the probes there are taken to be evenly spaced"
            )
        if self._older:
            found.append("some of it was decided by another version of the decision code")
        return tuple(found)
