"""Why is this route announced, or not? From the balancers that allow or prohibit it, and what the BGP engine did."""

from collections.abc import Collection
from typing import NamedTuple

from kglb.decisions import Candidate as Stand
from kglb.decisions import candidate_of, may_announce
from kglb.events import DriftFound, Event, OperationFailed, OperationsApplied, RoutesDecided
from kglb.model import Operation, Prefixes, RealId, RouteOperation, ServiceId
from kglb.projections import BalancerState, FleetState, State
from kglb.replay.about import narrow, only
from kglb.replay.errors import Subject
from kglb.replay.explain_service import reason_of
from kglb.replay.explanation import RouteExplanation, Walk
from kglb.replay.names import Names
from kglb.replay.source import Source
from kglb.replay.state_at import Replayed
from kglb.replay.touches import touches_of_route


def explain_route(source: Source, replayed: Replayed, meant: Subject) -> RouteExplanation:
    """Explain a route that a balancer has, or that is announced all the same."""
    fleet, plane, seq = replayed.state.fleet, replayed.state.data_plane, replayed.state.seq
    prefix = meant.name
    wanted, announced = prefix in plane.desired.routes, prefix in plane.actual.routes
    voices = _voices(replayed.state, prefix)
    services = {voice.balancer.config.id for voice in voices}
    walk = Walk(source, lambda event: _narrowed(event, prefix, services))
    decided = source.last_with(b'"%b"' % prefix.encode(), 0, seq, RoutesDecided)
    decision = 0 if decided is None else decided.seq
    touches = touches_of_route(source, prefix, decision, seq)
    walk.follow({decision, *touches, *_speakers(voices, allowed=wanted), *(() if wanted else (fleet.config_seq,))})
    latest = max((decision, *touches))
    names = Names(balancer.config for balancer in fleet.balancers.values())
    return RouteExplanation(
        prefix=prefix,
        balancers=tuple(
            names.label(voice.balancer.config.id) for voice in voices if voice.stand.route.prefix == prefix
        ),
        wanted=wanted,
        announced=announced,
        subject=f"route {prefix}",
        standing=f"is {'' if announced else 'not '}announced",
        since=walk.since(latest),
        reason=_reason(fleet, voices, prefix, names, walk.event(latest), wanted=wanted, announced=announced),
        kernel="",
        seq=seq,
        at=replayed.at,
        chain=walk.links(),
    )


class _Voice(NamedTuple):
    """A balancer with a say, where it stands, whether it allows its route, and the share that this takes now."""

    balancer: BalancerState
    stand: Stand
    allows: bool
    line: float


def _voices(state: State, prefix: str) -> list[_Voice]:
    """The balancers with a say: that have this route, or one that contains it."""
    wanted = state.data_plane.desired.routes
    every = [(balancer, candidate_of(balancer)) for balancer in state.fleet.balancers.values()]
    return [
        _Voice(balancer, stand, may_announce(stand, wanted), stand.line(wanted))
        for balancer, stand in every
        if stand is not None and Prefixes([stand.route.prefix]).covering(prefix)
    ]


def _speakers(voices: Collection[_Voice], *, allowed: bool) -> set[int]:
    """The last decisions of those who allow the route, or prohibit it."""
    return {voice.balancer.decided_seq for voice in voices if voice.allows == allowed}


def _reason(
    fleet: FleetState,
    voices: Collection[_Voice],
    prefix: str,
    names: Names,
    last: Event | None,
    *,
    wanted: bool,
    announced: bool,
) -> str:
    refused = f": ExaBGP refused: {last.error}" if isinstance(last, OperationFailed) else ""
    if wanted:
        allowing = _said(voices, prefix, names, allowed=True)
        return allowing if announced else f"ExaBGP has not acknowledged it yet{refused}, though {allowing}"
    if announced:
        return f"ExaBGP has not acknowledged its withdrawal yet{refused}, though it is not to be announced"
    if fleet.config is not None and fleet.config.bgp.engine == "none":
        return 'bgp.engine is "none": no route is announced'
    return _said(voices, prefix, names, allowed=False) or "no balancer has it any more"


def _said(voices: Collection[_Voice], prefix: str, names: Names, *, allowed: bool) -> str:
    """What the balancers say who allow the route, or prohibit it."""
    verb = "allows" if allowed else "prohibits"
    return "; ".join(
        f"{names.label(voice.balancer.config.id)} {verb} {_which(voice.stand, prefix)}, as {_because(voice)}"
        for voice in voices
        if voice.allows == allowed
    )


def _because(voice: _Voice) -> str:
    """Its counts, and the line that they are held to."""
    reason = reason_of(voice.balancer)
    if voice.balancer.mode != "available":
        return reason
    if voice.line > voice.stand.min_alive:
        return f"{reason}, and while it is not announced, min_alive_to_announce is {voice.line:g}"
    return f"{reason}, and min_alive is {voice.line:g}"


def _which(stand: Stand, prefix: str) -> str:
    return "it" if stand.route.prefix == prefix else f"{stand.route.prefix}, which contains it"


def _narrowed(event: Event, prefix: str, services: Collection[ServiceId]) -> Event:
    def is_about(operation: Operation) -> bool:
        return isinstance(operation, RouteOperation) and operation.route.prefix == prefix

    def wanted(service: ServiceId | None, _: RealId | None) -> bool:
        return service in services

    if isinstance(event, OperationsApplied | DriftFound):
        return only(event, is_about)
    return narrow(event, wanted)
