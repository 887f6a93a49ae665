"""What does a person ask about? A real, a service, an address or a route, by any of the ways each is called.

real      10.0.0.7:80   10.0.0.7   www1.example:80   www1.example
service   tcp://192.168.100.10:80   192.168.100.10:80   its balancer's name, or name@service
address   192.168.100.10   192.168.100.10/32   "192.168.100.10/32 on lo"
route     192.168.100.10/32, which is not the address then
"""

import difflib
from collections.abc import Iterator
from itertools import islice

from kglb.projections import FleetState, State
from kglb.replay.errors import AmbiguousSubjectError, Kind, Subject, UnknownRealError, UnknownSubjectError
from kglb.replay.finding import COMPARED, canonical, find_reals, spellings, without_address
from kglb.replay.names import Names


def find_subject(state: State, wanted: str, *, kind: Kind | None = None, balancer: str | None = None) -> Subject:
    """The one thing that ``wanted`` means, of one kind or of any; with ``balancer`` the real of that balancer.

    Raises UnknownSubjectError, AmbiguousSubjectError.
    """
    if balancer is not None or kind == "real":
        found = _reals(state, wanted, balancer)
    else:
        found = [other for other in _others(state, kind) if canonical(wanted) in _spellings(other)]
        if any(other.kind == "route" for other in found):
            found = [other for other in found if other.kind != "address"]
        if kind is None:
            found += _reals_if_any(state, wanted)
    if not found:
        raise UnknownSubjectError(_unknown(state, wanted, kind))
    if len(found) > 1:
        raise AmbiguousSubjectError(wanted, tuple(found))
    return found[0]


def _reals(state: State, wanted: str, balancer: str | None) -> list[Subject]:
    return [
        Subject(kind="real", name=one.real, balancer=one.balancer, service=one.service, host=one.host)
        for one in find_reals(state.fleet, wanted, balancer)
    ]


def _reals_if_any(state: State, wanted: str) -> list[Subject]:
    try:
        return _reals(state, wanted, None)
    except UnknownRealError:
        return []


def _others(state: State, kind: Kind | None) -> Iterator[Subject]:
    """All services, addresses and routes, or those of a kind."""
    every = (*_services(state.fleet), *_addresses(state), *_routes(state))
    return (other for other in every if kind in (None, other.kind))


def _services(fleet: FleetState) -> Iterator[Subject]:
    names = Names(known.config for known in fleet.balancers.values())
    for id, known in fleet.balancers.items():
        yield Subject(kind="service", name=id, balancer=names.label(id), service=id, host=known.config.name)


def _addresses(state: State) -> Iterator[Subject]:
    plane = state.data_plane
    vips = (known.config.address for known in state.fleet.balancers.values())
    configured = {str(address): address for address in vips if address is not None}
    for name in {**configured, **plane.desired.addresses, **plane.actual.addresses}:
        yield Subject(kind="address", name=name)


def _routes(state: State) -> Iterator[Subject]:
    plane = state.data_plane
    routes = (known.config.route for known in state.fleet.balancers.values())
    configured = {route.prefix: route for route in routes if route is not None}
    for prefix in {**configured, **plane.desired.routes, **plane.actual.routes}:
        yield Subject(kind="route", name=prefix)


def _spellings(other: Subject) -> tuple[str, ...]:
    name = other.name
    match other.kind:
        case "service":
            return name, name.partition("://")[2], other.host, f"{other.host}@{name}"
        case "address":
            prefixed = name.partition(" on ")[0]
            return name, prefixed, prefixed.partition("/")[0]
        case _:
            return (name,)


def _unknown(state: State, wanted: str, kind: Kind | None) -> str:
    if kind is None and (said := without_address(state.fleet.balancers.values(), wanted)):
        return said
    reals = [real for known in state.fleet.balancers.values() for real in known.reals.values()] if kind is None else []
    spoken = [spelling for other in _others(state, kind) for spelling in _spellings(other)]
    spoken += [spelling for real in islice(reals, COMPARED) for spelling in spellings(real)]
    close = difflib.get_close_matches(wanted, dict.fromkeys(spoken), 1)
    known = f"{len(reals)} reals are known" if kind is None else f"known are {', '.join(spoken) or 'none'}"
    hint = f"did you mean {close[0]}?" if close else known
    return f"there is no {kind or 'real, service, address or route'} {wanted}: {hint}"
