"""What a stranger did: the operations that lead from what we knew to what was found."""

from collections.abc import Mapping

from kglb.events import Entry
from kglb.model import (
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    RealId,
    Service,
    ServiceId,
)
from kglb.projections.dataplane import Holding


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


def address_drift(known: Holding, found: frozenset[str]) -> tuple[Operation, ...]:
    """Which of the addresses we hold are gone; ``found`` are text forms. Those that others add are not ours to know."""
    return tuple(DeleteAddress(address) for key, (address, _) in known.addresses.items() if key not in found)
