"""What can be done to the machine, as values: what the planner emits, the data plane performs, the journal keeps."""

import msgspec

from kglb.model.endpoint import RealId
from kglb.model.route import Route
from kglb.model.service import Address, Destination, Service, ServiceId


class _Operation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """One step on the machine. The tag is the class name."""


class AddService(_Operation, frozen=True):
    """Create a virtual service that is not there."""

    service: Service


class ChangeService(_Operation, frozen=True):
    """Change scheduler, flags or persistence of a service in place; its connections and destinations live on."""

    service: Service


class DeleteService(_Operation, frozen=True):
    """Remove a virtual service and, with it, its destinations."""

    id: ServiceId


class AddDestination(_Operation, frozen=True):
    """Create a destination that is not there."""

    id: ServiceId
    destination: Destination


class ChangeDestination(_Operation, frozen=True):
    """Change weight, forwarding or thresholds of a destination in place; its connections live on."""

    id: ServiceId
    destination: Destination


class DeleteDestination(_Operation, frozen=True):
    """Remove a destination; established connections to it are lost."""

    id: ServiceId
    real: RealId


class AddAddress(_Operation, frozen=True):
    """Put an address on an interface."""

    address: Address


class DeleteAddress(_Operation, frozen=True):
    """Take an address off an interface."""

    address: Address


class AnnounceRoute(_Operation, frozen=True):
    """Have the BGP peers told of a route, or of its changed attributes."""

    route: Route


class WithdrawRoute(_Operation, frozen=True):
    """Have the BGP peers told that a route is gone."""

    route: Route


RouteOperation = AnnounceRoute | WithdrawRoute

Operation = (
    AddService
    | ChangeService
    | DeleteService
    | AddDestination
    | ChangeDestination
    | DeleteDestination
    | AddAddress
    | DeleteAddress
    | AnnounceRoute
    | WithdrawRoute
)


def service_of(operation: Operation) -> ServiceId | None:
    """The service an operation belongs to, None for addresses and routes."""
    match operation:
        case AddService(service) | ChangeService(service):
            return service.id
        case AddAddress() | DeleteAddress() | AnnounceRoute() | WithdrawRoute():
            return None
        case _:
            return operation.id


def entry_of(operation: Operation) -> str:
    """What an operation is about, as a key: a service, one destination of it, an address, or a route's prefix."""
    match operation:
        case AddService(service) | ChangeService(service):
            return service.id
        case DeleteService(id):
            return id
        case AddDestination(id, destination) | ChangeDestination(id, destination):
            return f"{id} {destination.real}"
        case DeleteDestination(id, real):
            return f"{id} {real}"
        case AddAddress(address) | DeleteAddress(address):
            return str(address)
        case AnnounceRoute(route) | WithdrawRoute(route):
            return route.prefix


def describe(operation: Operation) -> str:
    """One line a person reads: ``tcp://10.0.0.1:80: weight of 10.1.0.7:80 to 0``."""
    match operation:
        case AddService(service):
            return f"add service {service.id} ({service.scheduler})"
        case ChangeService(service):
            return f"change service {service.id} ({service.scheduler})"
        case DeleteService(id):
            return f"delete service {id}"
        case AddDestination(id, destination):
            return f"{id}: add {destination.real} by {destination.forward}, weight {destination.weight}"
        case ChangeDestination(id, destination):
            return f"{id}: {destination.real} by {destination.forward}, weight {destination.weight}"
        case DeleteDestination(id, real):
            return f"{id}: delete {real}"
        case AddAddress(address):
            return f"add address {address}"
        case DeleteAddress(address):
            return f"delete address {address}"
        case AnnounceRoute(route):
            return f"announce route {route}"
        case WithdrawRoute(route):
            return f"withdraw route {route}"
