"""Why is it so? A walk along the causes that records name, from the machine back to probes, config and operators.

Nothing here infers a cause: every link is a record that another one names, or that the state names as what made it so,
or the last one that touched the entry in the machine.
"""

from kglb.events import DrainFinished, NameResolved, PoolAnswered, RealLeaving, RealRemoved
from kglb.replay.errors import Kind, UnknownSubjectError
from kglb.replay.explain_address import explain_address
from kglb.replay.explain_real import explain_real
from kglb.replay.explain_route import explain_route
from kglb.replay.explain_service import explain_service
from kglb.replay.explanation import AddressExplanation, RealExplanation, RouteExplanation, ServiceExplanation
from kglb.replay.finding import canonical
from kglb.replay.source import Found, Source
from kglb.replay.state_at import state_at
from kglb.replay.subjects import find_subject
from kglb.replay.words import printable

AnyExplanation = RealExplanation | ServiceExplanation | AddressExplanation | RouteExplanation


def explain(
    source: Source, wanted: str, *, seq: int, kind: Kind | None = None, balancer: str | None = None
) -> AnyExplanation:
    """Explain what ``wanted`` means after record ``seq``: a real's weight, a service's mode, an address, a route.

    Raises UnknownSubjectError, AmbiguousSubjectError and what ``state_at`` raises.
    """
    replayed = state_at(source, seq)
    try:
        meant = find_subject(replayed.state, wanted, kind=kind, balancer=balancer)
    except UnknownSubjectError as error:
        if kind not in (None, "real") or (removed := _removed(source, wanted, seq)) is None:
            raise
        at = printable(removed.at)
        then = f"--seq {removed.seq - 1} explains it as it was then"
        hint = f"record {removed.seq} removed it, at {at}{_because(source, removed)}: {then}"
        raise UnknownSubjectError(f"there is no real {wanted} any more: {hint}") from error
    match meant.kind:
        case "real":
            return explain_real(source, replayed, meant)
        case "service":
            return explain_service(source, replayed, meant)
        case "address":
            return explain_address(source, replayed, meant)
        case "route":
            return explain_route(source, replayed, meant)


def _removed(source: Source, wanted: str, seq: int) -> Found | None:
    """The last record by which a real of that name, whole or without its port, was removed."""
    name = canonical(wanted).encode()
    needles = tuple(b'"%b":"%b%b' % (field, name, end) for field in (b"real", b"host") for end in (b'"', b":"))
    return source.last_with(needles, 0, seq, RealRemoved)


def _because(source: Source, removed: Found) -> str:
    """Whose answer removed a real, if one did: that of its name or its pool, also where it drained first."""
    cause = None if removed.cause is None else source.record(removed.cause)
    if cause is not None and isinstance(cause.event, DrainFinished):
        needles = (b'"real":"%b"' % cause.event.real.encode(),)
        left = source.last_with(needles, 0, cause.seq, RealLeaving)
        cause = None if left is None or left.cause is None else source.record(left.cause)
    if cause is None or not isinstance(cause.event, NameResolved | PoolAnswered):
        return ""
    event = cause.event
    which = event.pool if isinstance(event, PoolAnswered) else event.host
    return printable(f", as {which} no longer names it (record {cause.seq})")
