"""What a stranger did: the operations that lead from what we knew to what was found."""

from collections.abc import Iterable, Mapping

from kglb.events import Entry
from kglb.model import (
    AddAddress,
    AddDestination,
    Address,
    AddService,
    AnnounceRoute,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    RealId,
    Route,
    Service,
    ServiceId,
    WithdrawRoute,
)
from kglb.projections.holding import Holding


def entry_drift(known: Holding, id: ServiceId, found: Entry | None) -> tuple[Operation, ...]:
    """How the service ``id``, found so (None: absent), differs from what is known of it; empty where it does not."""
    before = known.services.get(id)
    if found is None:
        return () if before is None else (DeleteService(id),)
    held = {destination.real: destination for destination in found.destinations}
    if before is None:
        return (AddService(found.service), *(AddDestination(id, destination) for destination in found.destinations))
    changed = _service_drift(before, found.service)
    return (*changed, *_destination_drift(id, known.destinations.get(id, {}), held))


def _service_drift(before: Service, found: Service) -> tuple[Operation, ...]:
    return () if before == found else (ChangeService(found),)


def _destination_drift(
    id: ServiceId, before: Mapping[RealId, Destination], found: Mapping[RealId, Destination]
) -> list[Operation]:
    changes: list[Operation] = []
    for real, destination in found.items():
        known = before.get(real)
        if known is None:
            changes.append(AddDestination(id, destination))
        elif known != destination:
            changes.append(ChangeDestination(id, destination))
    changes += [DeleteDestination(id, real) for real in before if real not in found]
    return changes


def interfaces(*holdings: Holding) -> list[str]:
    """The interfaces that addresses are held on."""
    return sorted({address.interface for holding in holdings for address, _ in holding.addresses.values()})


def address_drift(known: Holding, desired: Holding, interface: str, found: frozenset[Address]) -> tuple[Operation, ...]:
    """How the addresses ``found`` on an interface differ from what is known: ours that are gone, wanted ones that
    somebody else put there. Those that nobody wants are not ours to know."""
    gone = (address for address, _ in known.addresses.values() if address.interface == interface)
    there = desired.addresses_beyond(known)
    return (
        *(DeleteAddress(address) for address in gone if address not in found),
        *(AddAddress(address) for address in there if address in found),
    )


def route_drift(known: Holding, found: Iterable[Route]) -> tuple[Operation, ...]:
    """How the routes that the BGP engine says it announces differ from what is known of them."""
    there = {route.prefix: route for route in found}
    return (
        *(WithdrawRoute(route) for prefix, route in known.routes.items() if prefix not in there),
        *(AnnounceRoute(route) for prefix, route in there.items() if known.routes.get(prefix) != route),
    )
