"""Why is this address on its interface, or not? From who needs it, and what happened to it last."""

from kglb.events import DriftFound, EntryContested, Event, OperationFailed
from kglb.model import AddAddress, DeleteAddress, Operation
from kglb.projections import BalancerState, FleetState
from kglb.replay.about import only
from kglb.replay.errors import Subject
from kglb.replay.explanation import STOPPED, AddressExplanation, Walk
from kglb.replay.names import Names
from kglb.replay.source import Source
from kglb.replay.state_at import Replayed
from kglb.replay.touches import touches_of_address
from kglb.replay.words import listed


def explain_address(source: Source, replayed: Replayed, meant: Subject) -> AddressExplanation:
    """Explain an address that a service has, or had."""
    fleet, plane, seq = replayed.state.fleet, replayed.state.data_plane, replayed.state.seq
    wanted, held = meant.name in plane.desired.addresses, plane.actual.addresses.get(meant.name)
    owners = _owners(fleet, meant.name)
    address, _, interface = meant.name.partition(" on ")
    touches = touches_of_address(source, address, seq)
    stopped = {balancer.decided_seq for balancer in owners if balancer.mode == "shutdown"}
    walk = Walk(source, lambda event: only(event, lambda operation: _is_about(operation, meant.name)))
    walk.follow(touches | (stopped or ({fleet.config_seq} if owners else set())))
    latest, foreign = max(touches, default=0), held is not None and not held[1]
    names = Names(balancer.config for balancer in fleet.balancers.values())
    balancers = tuple(names.label(balancer.config.id) for balancer in owners)
    return AddressExplanation(
        address=address,
        interface=interface,
        balancers=balancers,
        wanted=wanted,
        in_kernel=held is not None,
        ours=held is not None and not foreign,
        subject=f"address {address}",
        standing=f"is {'' if held is not None else 'not '}on {interface}",
        since=walk.since(latest),
        reason=STOPPED
        if stopped
        else _reason(balancers, walk.event(latest), wanted=wanted, there=held is not None, foreign=foreign),
        kernel="",
        seq=seq,
        at=replayed.at,
        chain=walk.links(),
    )


def _owners(fleet: FleetState, name: str) -> list[BalancerState]:
    """The balancers whose VIP this is."""
    return [balancer for balancer in fleet.balancers.values() if str(balancer.config.address) == name]


def _reason(balancers: tuple[str, ...], last: Event | None, *, wanted: bool, there: bool, foreign: bool) -> str:
    need = f"it is the VIP of {listed(balancers)}"
    match last:
        case OperationFailed(error=error) if wanted != there:
            return f"putting it there failed: {error}; {need}" if wanted else f"removing it failed: {error}"
        case DriftFound() | EntryContested() if wanted and not there:
            return f"somebody else removed it, and it is not back yet; {need}"
    if wanted and not there:
        return f"it is not put there yet, though {need}"
    if wanted:
        return f"{need}{'; it was there before us, and will be left there' if foreign else ''}"
    return "no balancer has it any more" + ("; it was there before us, and is left alone" if foreign else "")


def _is_about(operation: Operation, name: str) -> bool:
    return isinstance(operation, AddAddress | DeleteAddress) and str(operation.address) == name
