"""Why has this service this mode? From the decision that brought it into that mode, and the health of its reals."""

from journal.format import read_head
from kglb.events import BalancerDecided, Event
from kglb.model import RealId, ServiceId
from kglb.projections import BalancerState, Holding
from kglb.replay.about import narrow
from kglb.replay.errors import Subject
from kglb.replay.explanation import STOPPED, WIDEST, ServiceExplanation, Walk
from kglb.replay.shortage import policy, primaries, relief
from kglb.replay.source import Source
from kglb.replay.state_at import Replayed
from kglb.replay.touches import touches_of_service


def explain_service(source: Source, replayed: Replayed, meant: Subject) -> ServiceExplanation:
    """Explain the mode of a service that a balancer has."""
    fleet, plane, seq = replayed.state.fleet, replayed.state.data_plane, replayed.state.seq
    service = meant.service
    known = fleet.balancers[service]
    began = mode_began(source, known)
    kernel = _kernel(plane.desired, plane.actual, service)
    roots = {began, known.decided_seq, *_reals_behind(known)}
    if known.mode in (None, "backup", "failsafe", "unavailable", "no_upstreams"):
        roots.add(fleet.config_seq)
    walk = Walk(source, lambda event: _narrowed(event, service))
    walk.follow(roots | (touches_of_service(source, service, seq) if kernel else set()))
    return ServiceExplanation(
        balancer=meant.balancer,
        service=service,
        subject=service if meant.balancer == service else f"{meant.balancer} ({service})",
        standing="has no mode yet" if known.mode is None else f"is in mode {known.mode}",
        since=walk.at(began),
        reason=reason_of(known),
        kernel=kernel,
        mode=known.mode,
        alive=known.alive,
        total=known.total,
        seq=seq,
        at=replayed.at,
        chain=walk.links(),
    )


def reason_of(known: BalancerState) -> str:
    """Why a balancer has its mode, to be read after "because"."""
    reals = primaries(known)
    match known.mode:
        case None:
            return "its balancer has not decided yet"
        case "initial":
            return f"{_none_yet(known)}{_wait(known)}"
        case "available":
            return f"{known.alive} of {reals} {'is' if known.alive == 1 else 'are'} up{_out_of_rotation(known)}"
        case "backup":
            return f"{relief(known)}: backups serve"
        case "failsafe":
            return f"{policy(known)}: each gets its weight all the same"
        case "unavailable":
            return f"{policy(known)}: none gets traffic"
        case "no_upstreams":
            return "every real is drained or leaves" if known.reals else "it has no reals"
        case "shutdown":
            return STOPPED


def _none_yet(known: BalancerState) -> str:
    if known.total == 1 and primaries(known) == "1 real":
        return "its only real has not been up yet"
    return f"none of its {primaries(known)} has been up yet"


def _wait(known: BalancerState) -> str:
    """What backups that are up wait for."""
    if not known.backups_alive:
        return ""
    return f", and backups wait for the first verdict of {known.awaited}"


def _out_of_rotation(known: BalancerState) -> str:
    """Those that count for nothing."""
    out = sum(not real.in_rotation for real in known.reals.values())
    return f", and {out} {'is' if out == 1 else 'are'} drained or leaving" if out else ""


def mode_began(source: Source, known: BalancerState) -> int:
    """The first decision for this mode in a row that ends with the last one; 0 if unknown."""
    if known.mode in (None, "shutdown"):
        return known.decided_seq
    began = b""
    mode = b'"mode":"%b"' % str(known.mode).encode()
    needle = b'"type":"BalancerDecided","service":"%b"' % known.config.id.encode()
    for line in source.lines_back(needle, 0, known.decided_seq, BalancerDecided):
        if mode not in line:
            break
        began = line
    head = read_head(began)
    return known.decided_seq if head is None else head.seq


def _reals_behind(known: BalancerState) -> list[int]:
    """What took the reals out, newest first, where that is why there is no other mode."""
    if known.mode == "no_upstreams":
        seqs = [real.drained or (real.leaving.seq if real.leaving else 0) for real in known.reals.values()]
    elif known.mode in ("backup", "failsafe", "unavailable", "initial"):
        seqs = [real.health_seq if real.in_rotation else real.drained for real in known.reals.values()]
    else:
        seqs = []
    return sorted(seqs, reverse=True)[:WIDEST]


def _kernel(desired: Holding, actual: Holding, service: ServiceId) -> str:
    wanted, held = desired.services.get(service), actual.services.get(service)
    if wanted == held:
        return ""
    if held is None:
        return "the kernel does not have it"
    return "the kernel still has it" if wanted is None else "the kernel has it with other settings"


def _narrowed(event: Event, service: ServiceId) -> Event:
    def wanted(of: ServiceId | None, _: RealId | None) -> bool:
        return of == service

    return narrow(event, wanted)
