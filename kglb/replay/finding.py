"""Which real does a person mean? An ``address:port``, an address, a configured host (or its name)."""

from collections.abc import Iterable, Iterator, Mapping

from kglb.model import ServiceId, parse_endpoint
from kglb.projections import BalancerState, FleetState, RealState
from kglb.replay.errors import AmbiguousRealError, Candidate, UnknownRealError
from kglb.replay.names import Names

COMPARED = 200
"""How many reals a name that means none is compared with."""


def find_real(fleet: FleetState, wanted: str, balancer: str | None = None) -> Candidate:
    """The one real that ``wanted`` means, of one balancer or of any.

    Raises UnknownRealError, AmbiguousRealError.
    """
    found = find_reals(fleet, wanted, balancer)
    if len(found) > 1:
        raise AmbiguousRealError(wanted, found)
    return found[0]


def find_reals(fleet: FleetState, wanted: str, balancer: str | None = None) -> tuple[Candidate, ...]:
    """All reals that ``wanted`` means, at least one: a host may serve several services. Raises UnknownRealError.

    A daemon with ten thousand reals answers an operator by it, so only what may be meant is looked at closely.
    """
    names = Names(state.config for state in fleet.balancers.values())
    services = set(fleet.balancers) if balancer is None else names.services(balancer)
    if balancer is not None and not services:
        raise UnknownRealError(f"{balancer}: {names.missing(balancer)}")
    within = {service: known for service, known in fleet.balancers.items() if service in services}
    found = tuple(_meant(within, names, wanted))
    if found:
        return found
    if said := without_address(within.values(), wanted):
        raise UnknownRealError(said)
    if elsewhere := dict.fromkeys(one.balancer for one in _meant(fleet.balancers, names, wanted)):
        raise UnknownRealError(f"{wanted} is no real of {balancer}: it is one of {', '.join(elsewhere)}")
    raise UnknownRealError(_unknown(wanted, [state for known in within.values() for state in known.reals.values()]))


def _meant(within: Mapping[ServiceId, BalancerState], names: Names, wanted: str) -> Iterator[Candidate]:
    meant = canonical(wanted)
    for service, known in within.items():
        for state in known.reals.values():
            if (meant in state.real or meant in state.entry.host) and meant in spellings(state):
                yield Candidate(names.label(service), service, state.real, state.entry.host)


def without_address(within: Iterable[BalancerState], wanted: str) -> str:
    """What is said of a name of the config that is no real, as it has no address; empty if ``wanted`` is none."""
    return next(
        (
            f"{host} of {known.config.name} has no address: {said}"
            for known in within
            for host, said in known.unresolved.items()
            if wanted in (host, host.rpartition(":")[0])
        ),
        "",
    )


def canonical(wanted: str) -> str:
    """An endpoint or an address in its one text form; any other text as it is."""
    bracketed = f"[{wanted}]" if wanted.count(":") > 1 and not wanted.startswith("[") else wanted
    for text in (bracketed, f"{bracketed}:0"):
        try:
            endpoint = parse_endpoint(text)
        except ValueError:
            continue
        return endpoint.id if text == bracketed else endpoint.address
    return wanted


def spellings(state: RealState) -> tuple[str, ...]:
    """What a real may be called by."""
    address = parse_endpoint(state.real).address
    return state.real, address, state.entry.host, state.entry.host.rpartition(":")[0]


def _unknown(wanted: str, every: list[RealState]) -> str:
    spoken = list(dict.fromkeys(spelling for state in every[:COMPARED] for spelling in spellings(state)))
    import difflib  # noqa: PLC0415 - for mistakes alone

    close = difflib.get_close_matches(wanted, spoken, 1)
    hint = f"did you mean {close[0]}?" if close else f"{len(every)} reals are known"
    return f"there is no real {wanted}: {hint}"
