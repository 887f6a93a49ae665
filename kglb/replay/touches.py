"""The records around an entry in the kernel: what touched it last, and what each record names as its cause."""

from collections.abc import Iterable

from kglb.events import (
    Adopted,
    BalancerDecided,
    DriftFound,
    EntryContested,
    Event,
    HealthChanged,
    OperationFailed,
    OperationsApplied,
    RouteAnnounced,
    RouteWithdrawn,
    WarmthChanged,
)
from kglb.model import RealId, ServiceId
from kglb.replay.about import Wanted, concerns
from kglb.replay.source import Found, Source

_SETTING = (OperationsApplied, Adopted)
_TOUCHING = (*_SETTING, OperationFailed, DriftFound, EntryContested)
_ROUTING = (RouteAnnounced, RouteWithdrawn, Adopted)


def touches_of_real(source: Source, service: ServiceId, real: RealId, first: int, last: int) -> set[int]:
    """The last record from ``first`` to ``last`` that set a real in the kernel, and what came after it.

    That is any refusal, or change by somebody else, that followed. What is done to its whole service counts.
    """

    def wanted(of: ServiceId | None, which: RealId | None) -> bool:
        return of == service and which in (None, real)

    needles = (_quoted(real), *_needles(service))
    return {record.seq for record in _until_set(source.search_back(needles, first, last, *_TOUCHING), wanted)}


def touches_of_service(source: Source, service: ServiceId, last: int) -> set[int]:
    """The same of a service as a whole."""
    found = source.search_back(_needles(service), 0, last, *_TOUCHING)
    return {record.seq for record in _until_set(found, lambda *pair: pair == (service, None))}


def touches_of_address(source: Source, address: str, last: int) -> set[int]:
    """The same of an address with its prefix length."""
    touches: set[int] = set()
    for record in source.search_back(_quoted(address), 0, last, *_TOUCHING):
        touches.add(record.seq)
        if isinstance(record.event, _SETTING):
            break
    return touches


def touches_of_route(source: Source, prefix: str, first: int, last: int) -> set[int]:
    """The last record from ``first`` to ``last`` by which the BGP engine has the route or not, and what came after."""
    touches: set[int] = set()
    for record in source.search_back(_quoted(prefix), first, last, *_ROUTING, OperationFailed, DriftFound):
        touches.add(record.seq)
        if isinstance(record.event, _ROUTING):
            break
    return touches


def _until_set(newest_first: Iterable[Found], wanted: Wanted) -> list[Found]:
    found = []
    for record in newest_first:
        if concerns(record.event, wanted):
            found.append(record)
            if isinstance(record.event, _SETTING):
                break
    return found


def _needles(service: ServiceId) -> tuple[bytes, bytes]:
    """What stands in a line that adds, changes or finds a service, or deletes one."""
    name = _quoted(service)
    return b'"service":{"id":' + name, b'{"type":"DeleteService","id":' + name


def _quoted(name: str) -> bytes:
    return b'"%b"' % name.encode()


def causes_of(event: Event, cause: int | None) -> set[int]:
    """The records that an event names as its causes; that of its record where it names none."""
    return set(_named(event)) or ({cause} if cause is not None else set())


def _named(event: Event) -> Iterable[int]:
    match event:
        case OperationsApplied(causes=causes):
            return causes
        case BalancerDecided(weights=weights, causes=causes):
            return (causes[real] for real in weights if real in causes)
        case WarmthChanged(tenths=tenths, causes=causes):
            return (causes[real] for real in tenths if real in causes)
        case HealthChanged(run=run):
            return (run,)
        case _:
            return ()


def adoption_before(source: Source, seq: int) -> int | None:
    """The last record before ``seq`` that says what was found in the kernel; None if the journal has none."""
    found = source.last_with(b"Adopted", 0, seq - 1, Adopted)
    return None if found is None else found.seq
