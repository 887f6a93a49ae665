"""Which operations did the machine refuse, and have not succeeded since? It never asks the machine itself."""

from typing import NewType

from kglb.events import Event, OperationFailed, OperationsApplied
from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Operation,
)
from kglb.projections import DataPlaneState, Holding

Subject = NewType("Subject", tuple[str, str])
"""What an operation is about: (service, ""), (service, real) or ("", address)."""


def _subject(operation: Operation) -> Subject:
    match operation:
        case AddService(service) | ChangeService(service):
            return Subject((service.id, ""))
        case DeleteService(id):
            return Subject((id, ""))
        case AddDestination(id, destination) | ChangeDestination(id, destination):
            return Subject((id, destination.real))
        case DeleteDestination(id, real):
            return Subject((id, real))
        case AddAddress(address) | DeleteAddress(address):
            return Subject(("", str(address)))


def _held(holding: Holding, operation: Operation) -> object:
    """What the holding has of the operation's subject, None if nothing."""
    match operation:
        case AddService(service) | ChangeService(service):
            return holding.services.get(service.id)
        case DeleteService(id):
            return holding.services.get(id)
        case AddDestination(id, destination) | ChangeDestination(id, destination):
            return holding.destinations.get(id, {}).get(destination.real)
        case DeleteDestination(id, real):
            return holding.destinations.get(id, {}).get(real)
        case AddAddress(address) | DeleteAddress(address):
            return str(address) in holding.addresses or None


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

    def standing(self, data_plane: DataPlaneState) -> list[OperationFailed]:
        """The refusals that still matter, oldest first: where what is wanted differs from what is there."""
        return [
            failure
            for failure in self._last.values()
            if _held(data_plane.desired, failure.operation) != _held(data_plane.actual, failure.operation)
        ]
