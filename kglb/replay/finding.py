"""What does a person mean? A real, a service, an address or a route, by any of the ways each is called.

real      10.0.0.7:80   10.0.0.7   www1.example:80   www1.example
service   tcp://192.168.100.10:80   192.168.100.10:80   its balancer's name, or name@service
address   192.168.100.10   192.168.100.10/32   "192.168.100.10/32 on lo"
route     192.168.100.10/32, which is not the address then
"""

import difflib
from collections.abc import Iterator

from kglb.model import parse_endpoint
from kglb.projections import FleetState, State
from kglb.replay.errors import AmbiguousSubjectError, Candidate, Kind, UnknownSubjectError
from kglb.replay.names import Names


def find(state: State, wanted: str, *, kind: Kind | None = None, balancer: str | None = None) -> Candidate:
    """The one thing that ``wanted`` means, of one kind or of any; with ``balancer`` the real of that balancer.

    Raises UnknownSubjectError, AmbiguousSubjectError.
    """
    names = Names(known.config for known in state.fleet.balancers.values())
    if balancer is not None and not names.services(balancer):
        raise UnknownSubjectError(f"{balancer}: {names.missing(balancer)}")
    every = [
        candidate
        for candidate in _candidates(state, names)
        if (kind is None or candidate.kind == kind)
        and (balancer is None or (candidate.kind == "real" and candidate.service in names.services(balancer)))
    ]
    meant = _canonical(wanted)
    found = [candidate for candidate in every if meant in _spellings(candidate)]
    if any(candidate.kind == "route" for candidate in found):
        found = [candidate for candidate in found if candidate.kind != "address"]
    if not found:
        raise UnknownSubjectError(_unknown(wanted, every, kind))
    if len(found) > 1:
        raise AmbiguousSubjectError(wanted, tuple(found))
    return found[0]


def _candidates(state: State, names: Names) -> Iterator[Candidate]:
    fleet, plane = state.fleet, state.data_plane
    for service, known in fleet.balancers.items():
        label = names.label(service)
        yield Candidate(kind="service", name=service, balancer=label, service=service, host=known.config.name)
        for real in known.reals.values():
            yield Candidate(kind="real", name=real.real, balancer=label, service=service, host=real.entry.host)
    for address in {**_configured(fleet), **plane.desired.addresses, **plane.actual.addresses}:
        yield Candidate(kind="address", name=address)
    routes = (known.config.route for known in fleet.balancers.values())
    configured = {route.prefix: route for route in routes if route is not None}
    for prefix in {**configured, **plane.desired.routes, **plane.actual.routes}:
        yield Candidate(kind="route", name=prefix)


def _configured(fleet: FleetState) -> dict[str, None]:
    """The addresses that services have in the config."""
    return {str(known.config.address): None for known in fleet.balancers.values() if known.config.address is not None}


def _canonical(wanted: str) -> str:
    bracketed = f"[{wanted}]" if wanted.count(":") > 1 and not wanted.startswith("[") else wanted
    for text in (bracketed, f"{bracketed}:0"):
        try:
            endpoint = parse_endpoint(text)
        except ValueError:
            continue
        return endpoint.id if text == bracketed else endpoint.address
    return wanted


def _spellings(candidate: Candidate) -> tuple[str, ...]:
    name = candidate.name
    match candidate.kind:
        case "real":
            return name, parse_endpoint(name).address, candidate.host, candidate.host.rpartition(":")[0]
        case "service":
            return name, name.partition("://")[2], candidate.host, f"{candidate.host}@{name}"
        case "address":
            prefixed = name.partition(" on ")[0]
            return name, prefixed, prefixed.partition("/")[0]
        case "route":
            return (name,)


def _unknown(wanted: str, every: list[Candidate], kind: Kind | None) -> str:
    spoken = list(dict.fromkeys(spelling for candidate in every for spelling in _spellings(candidate) if spelling))
    close = difflib.get_close_matches(wanted, spoken, 1)
    reals = sum(candidate.kind == "real" for candidate in every)
    hint = f"did you mean {close[0]}?" if close else f"{reals} reals are known then"
    what = kind or "real, service, address or route"
    return f"there is no {what} {wanted} then: {hint}"
