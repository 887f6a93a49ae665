"""The fleet: which balancers and reals there are, what is believed of each, and which record made it so."""

from collections.abc import Callable
from typing import Any, Literal, get_args

import msgspec
from msgspec.structs import replace

from kglb.events import (
    WHOLE,
    Adopted,
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    Event,
    HealthChanged,
    MarkAssigned,
    MarkReleased,
    NameResolved,
    PoolAnswered,
    PoolFailed,
    ProbeFlipped,
    RealAdded,
    RealKept,
    RealLeaving,
    RealRemoved,
    ResolutionFailed,
    RunsClosed,
    Steering,
    WarmthChanged,
)
from kglb.model import Balancer, Config, Member, Pool, RealId, ServiceId, asks_the_same
from kglb.projections.marks import MarksState
from kglb.projections.pools import PoolState, pool_key
from kglb.projections.reals import BalancerState, Orders, RealState, Warming
from kglb.projections.steering import configured_keys, forget_unconfigured, keep_orders, name_key, steer


class FleetState(msgspec.Struct, kw_only=True):
    """All balancers, the config they come from, the last good address of every name, the members of every pool, the
    marks of checks.

    ``kept`` are operators' orders about reals that the config has and that are not there.
    """

    config: Config | None = None
    digest: str = ""
    config_seq: int = 0
    boot_id: str = ""
    stopped: Literal["", "cleanup", "leave"] = ""
    balancers: dict[ServiceId, BalancerState] = {}
    names: dict[str, str] = {}  # by name_key
    pools: dict[str, PoolState] = {}  # by pool_key
    kept: dict[str, Orders] = {}  # by name_key
    marks: MarksState = msgspec.field(default_factory=MarksState)

    def real(self, service: ServiceId, real: RealId) -> RealState | None:
        """What is known of a real, None if nothing."""
        balancer = self.balancers.get(service)
        return None if balancer is None else balancer.reals.get(real)

    def last_good(self, service: ServiceId, host: str) -> str:
        """The last good address of a name that a balancer has, empty if it never had one."""
        return self.names.get(name_key(service, host), "")

    def members_of(self, service: ServiceId, pool: Pool) -> dict[RealId, Member] | None:
        """The members that a balancer's pool is known to have; None if it never had an answer."""
        known = self.pools.get(pool_key(service, pool.id))
        return known.members if known is not None and known.seq else None

    def unconfigured_names(self, config: Config) -> tuple[str, ...]:
        """The names whose last good address is kept and that a config does not have."""
        configured = configured_keys(config.balancers) if self.names else ()
        return tuple(key for key in self.names if key not in configured)

    def is_banned(self, service: ServiceId, real: RealId) -> bool:
        """Whether no traffic is better than traffic to this real: it is down, and its balancer is fail_closed."""
        known = self.real(service, real)
        return known is not None and not known.up and self.balancers[service].config.when_all_down == "fail_closed"

    def fold(self, seq: int, event: Event) -> None:
        """Take one event in."""
        if (step := _STEPS.get(type(event))) is not None:
            step(self, seq, event)


def _daemon_started(fleet: FleetState, seq: int, event: DaemonStarted) -> None:
    if event.boot_id != fleet.boot_id or fleet.stopped == "cleanup":
        for balancer in fleet.balancers.values():
            for real in balancer.reals.values():
                keep_orders(fleet.kept, balancer.config, real, fleet.pools)
        fleet.balancers = {}
    fleet.boot_id = event.boot_id
    fleet.stopped = ""


def _daemon_stopping(fleet: FleetState, seq: int, event: DaemonStopping) -> None:
    fleet.stopped = event.on_stop
    if event.on_stop == "leave":
        return
    for balancer in fleet.balancers.values():
        balancer.mode = "shutdown"
        balancer.decided_seq = seq
        balancer.reals = {name: replace(real, weight=0, weight_seq=seq) for name, real in balancer.reals.items()}


def _config_applied(fleet: FleetState, seq: int, event: ConfigApplied) -> None:
    fleet.config, fleet.digest, fleet.config_seq = event.config, event.digest, seq
    before, fleet.balancers = fleet.balancers, {}
    for config in event.config.balancers:
        balancer = fleet.balancers[config.id] = before.get(config.id) or BalancerState(config=config)
        if balancer.config.reals != config.reals or balancer.config.pools != config.pools:
            _update_entries(fleet, balancer, config)
            balancer.recount()
        elif balancer.config.slow_start != config.slow_start:
            balancer.recount()  # a checkpoint from before it has no such counts
        if not asks_the_same(balancer.config.check, config.check):
            _forget_streaks(balancer)
        balancer.configure(config, awaits=config.awaits_verdicts)
        if balancer.unresolved:
            hosts = {entry.host for entry in config.reals}
            balancer.unresolved = {host: said for host, said in balancer.unresolved.items() if host in hosts}
    configured = {pool_key(config.id, pool.id) for config in event.config.balancers for pool in config.pools}
    fleet.pools = {key: pool for key, pool in fleet.pools.items() if key in configured}
    forget_unconfigured(fleet.kept, event.config.balancers, fleet.pools)
    for key in event.forgotten_names:
        fleet.names.pop(key, None)
    fleet.marks.fold(event)


def _update_entries(fleet: FleetState, balancer: BalancerState, config: Balancer) -> None:
    by_host = {entry.host: entry for entry in config.reals}
    by_pool = {pool.id: pool for pool in config.pools}
    for name, state in list(balancer.reals.items()):
        entry = by_host.get(state.entry.host)
        if entry is None and (pool := by_pool.get(state.entry.pool)) is not None:
            member = (fleet.members_of(config.id, pool) or {}).get(name)
            entry = None if member is None else pool.entry(member)
        if entry is not None and entry != state.entry:
            balancer.reals[name] = replace(state, entry=entry, warming=None if entry.backup else state.warming)


def _forget_streaks(balancer: BalancerState) -> None:
    """Another question was asked so far: health stays, what led to it does not count towards the next change."""
    for state in list(balancer.reals.values()):
        balancer.put(replace(_unasked(state), judged=balancer.awaits and state.has_verdict))


def _unasked(state: RealState) -> RealState:
    """The same real before its first probe."""
    return replace(
        state, outcome="", reason="", detail="", run_seq=0, streak=0, counted=0, reported=None, reported_seq=0
    )


def _real_added(fleet: FleetState, seq: int, event: RealAdded) -> None:
    balancer = fleet.balancers.get(event.service)
    if balancer is None or event.real in balancer.reals:
        return
    orders = fleet.kept.pop(name_key(event.service, event.entry.host), Orders())
    starts = balancer.config.slow_start > 0 and not balancer.proven and not event.healthy
    balancer.put(
        RealState(
            real=event.real,
            entry=event.entry,
            healthy=event.healthy,
            health_seq=seq,
            orders=orders,
            presumed_warm=starts,
        )
    )
    if event.healthy:  # the kernel sends it traffic: where that is a backup, the service has served
        balancer.proven = balancer.proven or event.entry.backup


def _real_removed(fleet: FleetState, seq: int, event: RealRemoved) -> None:
    balancer = fleet.balancers.get(event.service)
    if balancer is not None and (gone := balancer.drop(event.real)) is not None:
        keep_orders(fleet.kept, balancer.config, gone, fleet.pools)


def _real_leaving(fleet: FleetState, seq: int, event: RealLeaving) -> None:
    balancer = fleet.balancers.get(event.service)
    if balancer is not None and (real := balancer.reals.get(event.real)) is not None:
        keep_orders(fleet.kept, balancer.config, real, fleet.pools)
    _steered(fleet, seq, event)


def _real_kept(fleet: FleetState, seq: int, event: RealKept) -> None:
    _steered(fleet, seq, event)
    balancer = fleet.balancers.get(event.service)
    if balancer is not None and (real := balancer.reals.get(event.real)) is not None:
        orders = fleet.kept.pop(name_key(event.service, event.entry.host), real.orders)
        balancer.put(replace(real, orders=orders))


def _steered(fleet: FleetState, seq: int, event: Steering) -> None:
    if (balancer := fleet.balancers.get(event.service)) is not None:
        steer(balancer, seq, event)


def _name_resolved(fleet: FleetState, seq: int, event: NameResolved) -> None:
    fleet.names[name_key(event.service, event.host)] = event.address
    if (balancer := fleet.balancers.get(event.service)) is not None:
        balancer.unresolved.pop(event.host, None)


def _resolution_failed(fleet: FleetState, seq: int, event: ResolutionFailed) -> None:
    if (balancer := fleet.balancers.get(event.service)) is not None and not event.keeping:
        balancer.unresolved[event.host] = event.error


def _pool_answered(fleet: FleetState, seq: int, event: PoolAnswered) -> None:
    known = fleet.pools.setdefault(pool_key(event.service, event.pool), PoolState())
    known.seq, known.lacking, known.error, known.last_good = seq, event.lacking, "", None
    for member in event.members:
        known.members[member.real], known.since[member.real] = member, seq
    for real in event.left:
        known.members.pop(real, None)
        known.since.pop(real, None)


def _pool_failed(fleet: FleetState, seq: int, event: PoolFailed) -> None:
    known = fleet.pools.setdefault(pool_key(event.service, event.pool), PoolState())
    known.failed_seq, known.error, known.last_good = seq, event.error, event.last_good


def _marked(fleet: FleetState, seq: int, event: MarkAssigned | MarkReleased) -> None:
    fleet.marks.fold(event)


def _adopted(fleet: FleetState, seq: int, event: Adopted) -> None:
    """What the journal does not account for is healthy until probes say otherwise; what it knew of it is too old."""
    fleet.marks.fold(event)
    for one in event.unaccounted:
        if (known := fleet.real(one.service, one.real)) is not None:
            balancer = fleet.balancers[one.service]
            balancer.put(replace(_unasked(known), healthy=True, health_seq=seq, presumed_warm=True))
            balancer.proven = balancer.proven or known.backup


def _probe_flipped(fleet: FleetState, seq: int, event: ProbeFlipped) -> None:
    balancer = fleet.balancers.get(event.service)
    if balancer is None or (before := balancer.reals.get(event.real)) is None:
        return
    unrecorded = event.previous_count - before.counted
    sign = 1 if event.outcome == "success" else -1
    same_sign = event.outcome == before.outcome
    after = replace(
        before,
        outcome=event.outcome,
        reason=event.reason,
        detail=event.detail,
        run_seq=seq,
        streak=before.streak + sign * (unrecorded + 1) if same_sign else sign,
        counted=1,
        judged=balancer.awaits and before.has_verdict,
        presumed_warm=before.presumed_warm and (before.healthy or event.outcome == "success"),
    )
    if balancer.awaits:
        balancer.put(after)
    else:
        balancer.reals[event.real] = after  # in no count


def _runs_closed(fleet: FleetState, seq: int, event: RunsClosed) -> None:
    for run in event.runs:
        before = fleet.real(run.service, run.real)
        if before is not None:
            sign = 1 if before.outcome == "success" else -1
            streak = before.streak + sign * (run.count - before.counted)
            reals = fleet.balancers[run.service].reals
            reals[run.real] = replace(before, streak=streak, counted=0)


def _health_changed(fleet: FleetState, seq: int, event: HealthChanged) -> None:
    before = fleet.real(event.service, event.real)
    if before is None:
        return
    fleet.balancers[event.service].put(
        replace(
            before,
            healthy=event.healthy,
            health_seq=seq,
            streak=event.streak,
            counted=before.counted + abs(event.streak - before.streak),
            presumed_warm=before.presumed_warm and event.healthy,
            warming=before.warming if event.healthy or before.forced_up else None,
        )
    )


def _balancer_decided(fleet: FleetState, seq: int, event: BalancerDecided) -> None:
    balancer = fleet.balancers.get(event.service)
    if balancer is None:
        return
    balancer.mode = event.mode
    balancer.proven = balancer.proven or event.mode in ("available", "backup", "failsafe")
    balancer.decided_alive, balancer.decided_total, balancer.decided_seq = event.alive, event.total, seq
    reals = balancer.reals
    for name, weight in event.weights.items():
        if (before := reals.get(name)) is not None:
            warm = before.presumed_warm and not weight  # once it has served, nothing is presumed any more
            reals[name] = replace(before, weight=weight, weight_seq=seq, presumed_warm=warm)


def _warmth_changed(fleet: FleetState, seq: int, event: WarmthChanged) -> None:
    balancer = fleet.balancers.get(event.service)
    if balancer is None:
        return
    for name, tenths in event.tenths.items():
        real = balancer.reals.get(name)
        if real is not None and real.up and real.in_rotation and not real.backup:
            warming = Warming(tenths=tenths, seq=seq, cause=event.causes.get(name, 0)) if tenths < WHOLE else None
            balancer.put(replace(real, warming=warming))


def _checks_impossible(fleet: FleetState, seq: int, event: ChecksImpossible) -> None:
    if (balancer := fleet.balancers.get(event.service)) is not None:
        for real in event.reals:
            balancer.cannot_check(real, event.problem)


def _checks_resumed(fleet: FleetState, seq: int, event: ChecksResumed) -> None:
    if (balancer := fleet.balancers.get(event.service)) is not None:
        for real in event.reals:
            balancer.cannot_check(real, "")


_STEPS: dict[type, Callable[[FleetState, int, Any], None]] = {
    **dict.fromkeys(get_args(Steering), _steered),
    **dict.fromkeys((MarkAssigned, MarkReleased), _marked),
    Adopted: _adopted,
    RealKept: _real_kept,
    RealLeaving: _real_leaving,
    DaemonStarted: _daemon_started,
    DaemonStopping: _daemon_stopping,
    ConfigApplied: _config_applied,
    RealAdded: _real_added,
    RealRemoved: _real_removed,
    NameResolved: _name_resolved,
    ResolutionFailed: _resolution_failed,
    PoolAnswered: _pool_answered,
    PoolFailed: _pool_failed,
    ProbeFlipped: _probe_flipped,
    RunsClosed: _runs_closed,
    HealthChanged: _health_changed,
    BalancerDecided: _balancer_decided,
    WarmthChanged: _warmth_changed,
    ChecksImpossible: _checks_impossible,
    ChecksResumed: _checks_resumed,
}
