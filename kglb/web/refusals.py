"""Which operations did the machine refuse, and have not succeeded since? It never asks the machine itself."""

from kglb.events import Event, OperationFailed, OperationsApplied, RouteAnnounced, RouteWithdrawn
from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    AnnounceRoute,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Operation,
    RealId,
    ServiceId,
    WithdrawRoute,
)
from kglb.projections import DataPlaneState, Holding

Subject = tuple[ServiceId | None, str]
"""What an operation is about: (service, ""), (service, real), (None, address) or (None, prefix of a route)."""


def _subject(operation: Operation) -> Subject:
    match operation:
        case AddService(service) | ChangeService(service):
            return service.id, ""
        case DeleteService(id):
            return id, ""
        case AddDestination(id, destination) | ChangeDestination(id, destination):
            return id, destination.real
        case DeleteDestination(id, real):
            return id, real
        case AddAddress(address) | DeleteAddress(address):
            return None, str(address)
        case AnnounceRoute(route) | WithdrawRoute(route):
            return None, route.prefix


def _held(holding: Holding, subject: Subject) -> object:
    """What the holding has there; addresses are only there or not."""
    service, part = subject
    if service is None:
        return (part in holding.addresses, holding.routes.get(part))
    if not part:
        return holding.services.get(service)
    return holding.destinations.get(service, {}).get(RealId(part))


class Refusals:
    """The last refusal of everything that was refused and has not been applied since."""

    def __init__(self) -> None:
        self._last: dict[Subject, OperationFailed] = {}

    def note(self, event: Event) -> None:
        """Take one event in; constant time unless something is refused."""
        match event:
            case OperationFailed():
                self._last[_subject(event.operation)] = event
            case OperationsApplied() if self._last:
                for operation in event.operations:
                    self._last.pop(_subject(operation), None)
            case RouteAnnounced(route=route) | RouteWithdrawn(route=route):
                self._last.pop((None, route.prefix), None)

    def standing(self, data_plane: DataPlaneState) -> list[OperationFailed]:
        """The refusals where what is wanted still differs from what is there; the others are forgotten."""
        self._last = {
            subject: refusal
            for subject, refusal in self._last.items()
            if _held(data_plane.desired, subject) != _held(data_plane.actual, subject)
        }
        return list(self._last.values())
