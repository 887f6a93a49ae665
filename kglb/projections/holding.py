"""What a machine holds, and where what it should hold may differ: services, destinations, addresses, routes."""

from collections.abc import Iterator
from typing import Any

import msgspec

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


class Holding(msgspec.Struct, kw_only=True):
    """Services with their destinations in the order in which they were added, addresses, and routes by prefix.

    An address maps to whether it is ours to delete. ``marked`` says that each of ours carries our mark in the kernel.
    """

    services: dict[ServiceId, Service] = {}
    destinations: dict[ServiceId, dict[RealId, Destination]] = {}
    addresses: dict[str, tuple[Address, bool]] = {}
    routes: dict[str, Route] = {}
    marked: bool = False

    def addresses_beyond(self, other: "Holding") -> Iterator[Address]:
        """Those that this holds and the other does not."""
        return (address for key, (address, _) in self.addresses.items() if key not in other.addresses)

    def perform(self, operation: Operation) -> None:
        """Hold what the operation leaves behind."""
        match operation:
            case ChangeDestination() | AddDestination():  # most are these: first, and without taking them apart
                destination = operation.destination
                self.destinations.setdefault(operation.id, {})[destination.real] = destination
            case AddService(service):
                self.services[service.id] = service
                self.destinations[service.id] = {}
            case ChangeService(service):
                self.services[service.id] = service
            case DeleteService(id):
                self.services.pop(id, None)
                self.destinations.pop(id, None)
            case DeleteDestination(id, real):
                self.destinations.get(id, {}).pop(real, None)
            case AddAddress(address):
                self.addresses[str(address)] = (address, True)
            case DeleteAddress(address):
                self.addresses.pop(str(address), None)
            case AnnounceRoute(route):
                self.routes[route.prefix] = route
            case WithdrawRoute(route):
                self.routes.pop(route.prefix, None)


class Dirty(msgspec.Struct, kw_only=True):
    """Where desired and actual may differ, each with the seq of the record that says so."""

    services: dict[ServiceId, int] = {}
    destinations: dict[ServiceId, dict[RealId, int]] = {}
    addresses: dict[str, int] = {}
    routes: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self.services or self.destinations or self.addresses or self.routes)

    def mark_destination(self, service: ServiceId, real: RealId, seq: int) -> None:
        """One destination may differ."""
        if (marks := self.destinations.get(service)) is None:
            marks = self.destinations[service] = {}
        marks[real] = seq

    def mark_operation(self, operation: Operation, seq: int) -> None:
        """What the operation is about may differ."""
        match operation:
            case AddService(service) | ChangeService(service):
                self.services[service.id] = seq
            case DeleteService(id):
                self.services[id] = seq
            case AddDestination(id, destination) | ChangeDestination(id, destination):
                self.mark_destination(id, destination.real, seq)
            case DeleteDestination(id, real):
                self.mark_destination(id, real, seq)
            case AddAddress(address) | DeleteAddress(address):
                self.addresses[str(address)] = seq
            case AnnounceRoute(route) | WithdrawRoute(route):
                self.routes[route.prefix] = seq

    def add(self, other: "Dirty") -> None:
        """What another says may differ may differ, too; where both say so, this one's record counts."""
        for service, marks in other.destinations.items():
            for real, seq in marks.items():
                self.destinations.setdefault(service, {}).setdefault(real, seq)
        pairs: list[tuple[dict[Any, int], dict[Any, int]]] = [
            (self.services, other.services),
            (self.addresses, other.addresses),
            (self.routes, other.routes),
        ]
        for mine, theirs in pairs:
            for key, seq in theirs.items():
                mine.setdefault(key, seq)

    def learn_causes(self, other: "Dirty") -> None:
        """Where another says so, too, the other's record counts; nothing is added."""
        pairs: list[tuple[dict[Any, int], dict[Any, int]]] = [
            (self.services, other.services),
            (self.addresses, other.addresses),
            (self.routes, other.routes),
            *((marks, other.destinations.get(id, {})) for id, marks in self.destinations.items()),
        ]
        for mine, theirs in pairs:
            for key in mine:
                mine[key] = theirs.get(key, mine[key])

    def put_off(self, seq: int) -> None:
        """Forget what record ``seq`` alone says may differ."""
        tables: list[dict[Any, int]] = [self.services, self.addresses, self.routes, *self.destinations.values()]
        for marks in tables:
            for key in [key for key, marked in marks.items() if marked == seq]:
                del marks[key]
