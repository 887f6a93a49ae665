"""Why has this real this weight? From what the state names as what made it so, and what touched it in the kernel last.

The records that the state names are ``RealState.*_seq``, ``BalancerState.decided_seq`` and ``FleetState.config_seq``.
"""

from functools import partial

from kglb.events import Adopted, ConfigApplied, Event
from kglb.model import Destination, RealId, ServiceId
from kglb.projections import BalancerState, FleetState, RealState, Serving, State, pool_key, successors
from kglb.replay.about import narrow
from kglb.replay.errors import Subject
from kglb.replay.explain_service import mode_began
from kglb.replay.explanation import WIDEST, RealExplanation, Walk
from kglb.replay.reasons import Reasons
from kglb.replay.source import Source
from kglb.replay.state_at import Replayed
from kglb.replay.touches import touches_of_real
from kglb.replay.words import plural


def explain_real(source: Source, replayed: Replayed, meant: Subject) -> RealExplanation:
    """Explain the weight of a real that is known."""
    fleet, plane, seq = replayed.state.fleet, replayed.state.data_plane, replayed.state.seq
    service, name = meant.service, RealId(meant.name)
    known = fleet.balancers[service]
    real = known.reals[name]
    desired, held = (holding.destinations.get(service, {}).get(name) for holding in (plane.desired, plane.actual))
    failsafe = _kept_by_failsafe(source, known, real)
    roots = _roots(known, real, fleet.config_seq) | ({failsafe, _joined(fleet, service, real)} - {0})

    def wanted(of: ServiceId | None, which: RealId | None) -> bool:
        return of == service and which in (None, name)

    walk = Walk(source, lambda event: narrow(event, wanted))
    since = real.weight_seq or min(roots, default=seq)
    awaited = _awaited(replayed.state, service, name)
    walk.follow(roots | touches_of_real(source, service, name, since, seq))
    for other in awaited[:WIDEST]:
        walk.follow(touches_of_real(source, service, other, known.reals[other].weight_seq, seq))
    reason = Reasons(known, real, walk.records, walk.context, fleet.config_seq).why()
    began = failsafe or reason.began
    kept = began > real.weight_seq
    return RealExplanation(
        real=name,
        host=meant.host,
        balancer=meant.balancer,
        service=service,
        subject=f"{name if name == meant.host else f'{name} ({meant.host})'} in {meant.balancer}",
        standing=_standing(real.weight, kept=kept),
        since=walk.at(began if kept else real.weight_seq),
        reason=reason.text,
        kernel=_kernel(desired, held, awaited),
        weight=real.weight,
        kernel_weight=None if held is None else held.weight,
        healthy=real.healthy,
        mode=known.mode,
        seq=seq,
        at=replayed.at,
        chain=walk.links(partial(_also, meant=meant)),
    )


def _kept_by_failsafe(source: Source, known: BalancerState, real: RealState) -> int:
    """The record since which only failsafe gives this real the weight that it had before; 0 if that is not so."""
    if known.mode != "failsafe" or real.up or not real.weight:
        return 0
    began = mode_began(source, known)
    return began if began > real.weight_seq else 0


def _standing(weight: int | None, *, kept: bool) -> str:
    if weight is None:
        return "has no weight yet"
    return f"has kept weight {weight}" if kept else f"has weight {weight}"


def _awaited(state: State, service: ServiceId, real: RealId) -> list[RealId]:
    """The reals of which one must serve before this one stops; none if it does not wait."""
    plane = state.data_plane
    actual, desired = (holding.destinations.get(service, {}) for holding in (plane.actual, plane.desired))
    if not Serving(is_banned=state.fleet.is_banned).staying(service, actual, desired, (real,)):
        return []
    return successors(actual, desired)


def _kernel(desired: Destination | None, held: Destination | None, awaited: list[RealId]) -> str:
    if awaited and held is not None:
        others = awaited[0] if len(awaited) == 1 else f"one of {plural(len(awaited), 'other')}"
        return f"the kernel has weight {held.weight}: so that somebody serves, it keeps it until {others} has its own"
    if desired == held:
        return ""
    if held is None:
        return "the kernel does not have it"
    if desired is None:
        return f"the kernel still has it, with weight {held.weight}"
    if desired.weight == held.weight:
        return f"the kernel forwards to it by {held.forward}, not {desired.forward}"
    return f"the kernel has weight {held.weight}"


def _roots(balancer: BalancerState, real: RealState, config_seq: int) -> set[int]:
    """The records that the state names as what made the weight what it is."""
    if balancer.mode == "shutdown":
        return {balancer.decided_seq}
    roots = {real.weight_seq, real.health_seq}
    if real.backup or balancer.mode in ("failsafe", "unavailable"):
        roots.add(balancer.decided_seq)
    roots |= _other_hands(real)
    if real.warming is not None:  # a start and a reload come with a config, and may have the wait begin anew
        roots |= {real.warming.seq, max(real.warming.seq, config_seq)}
    if real.backup or real.weight == real.configured == real.entry.weight:
        roots.add(config_seq)
    return roots - {0}


def _joined(fleet: FleetState, service: ServiceId, real: RealState) -> int:
    """The record by which its pool has it; 0 if the config lists it itself."""
    pool = fleet.pools.get(pool_key(service, real.entry.pool)) if real.entry.pool else None
    return 0 if pool is None else pool.since.get(real.real, 0)


def _other_hands(real: RealState) -> set[int]:
    """The records by which somebody else than the config says what the weight is."""
    override = real.orders.override
    leaving = 0 if real.leaving is None else real.leaving.seq
    return {leaving, real.drained, real.reported_seq if override is None else override.seq}


def _also(event: Event, meant: Subject) -> str:
    """What an event about everything says of this real."""
    match event:
        case ConfigApplied(config=config):
            weights = [
                real.weight
                for balancer in config.balancers
                if balancer.id == meant.service
                for real in balancer.reals
                if real.host == meant.host
            ]
            return f"; {meant.host} has weight {weights[0]} in it" if weights else ""
        case Adopted(entries=entries):
            held = [
                destination.weight
                for entry in entries
                if entry.service.id == meant.service
                for destination in entry.destinations
                if destination.real == meant.name
            ]
            return f"; {meant.name} had weight {held[0]}" if held else ""
        case _:
            return ""
