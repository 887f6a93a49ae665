"""The data plane that is only memory: the fake, shipped. It refuses as the kernel does, errno for errno.

It forwards no packets, and nothing ever goes missing in it. Tests, the simulator and ``--data-plane
memory`` use it; the contract in ``tests/dataplane`` holds it to what a real kernel does.
"""

import ipaddress
from collections.abc import Collection, Iterable, Mapping, Sequence
from errno import EADDRNOTAVAIL, EEXIST, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, ERANGE, ESRCH
from functools import lru_cache

import msgspec

from kglb.dataplane.batches import perform
from kglb.dataplane.counters import DestinationCounters, ServiceCounters, Traffic
from kglb.dataplane.passage import Passage
from kglb.dataplane.port import Failure
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
    Service,
    ServiceId,
    Way,
    WithdrawRoute,
    parse_endpoint,
    parse_service,
)
from kglb.model.service import SCHEDULERS

_ENGINES = ("", "sip")


NOWHERE = Passage(
    problem="the data plane is only memory, where no mark leads anywhere", remedy='data_plane.kind = "ipvs"'
)


class MemoryDataPlane:
    """A machine without a kernel.

    >>> plane = MemoryDataPlane()
    >>> plane.apply([DeleteService(ServiceId("tcp://192.0.2.10:80"))])
    [Failure(errno=3, error='there is no service tcp://192.0.2.10:80')]
    """

    def __init__(
        self,
        *,
        foreign: Mapping[Service, Sequence[Destination]] | None = None,
        addresses: Iterable[Address] = (Address("127.0.0.1/8", "lo"), Address("::1/128", "lo")),
        interfaces: Iterable[str] = ("lo",),
        schedulers: Iterable[str] = SCHEDULERS,
        passage: Passage = NOWHERE,
        keeps_marks: bool = True,
    ) -> None:
        """Start with services that are not ours, addresses, interfaces, the schedulers it knows, what it answers when
        asked for the passage to a real, and whether it keeps our mark on addresses.
        """
        self.passage = passage
        self._keeps_marks = keeps_marks
        self._marked: set[Address] = set()
        self._services = {service.id: service for service in foreign or {}}
        self._destinations = {
            service.id: {destination.real: destination for destination in destinations}
            for service, destinations in (foreign or {}).items()
        }
        self._interfaces = frozenset(interfaces)
        self._addresses: set[Address] = set()
        self._broadcasts: dict[Address, str] = {}
        for address in addresses:
            self._put_address(address)
        self._schedulers = frozenset((*schedulers, "none"))  # "none" schedules nothing, and is always there
        self.traffic: dict[tuple[ServiceId, RealId | None], Traffic] = {}
        self.connections: dict[tuple[ServiceId, RealId], tuple[int, int]] = {}

    def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
        """Perform the operations in order, and return for each None or why it did not take place."""
        return perform(operations, lambda batch: [self._perform(operation) for operation in batch])

    def services(self) -> list[Service]:
        """All virtual services, in no particular order."""
        return list(self._services.values())

    def service(self, service_id: ServiceId) -> Service | None:
        """One virtual service, or None where there is none."""
        return self._services.get(service_id)

    def destinations(self, service_id: ServiceId) -> list[Destination]:
        """The destinations of a service in the order in which they were added; none for a service that is not there."""
        return list(self._destinations.get(service_id, {}).values())

    def addresses(self, interface: str) -> frozenset[Address]:
        """All addresses on an interface; none for an interface that is not there."""
        return frozenset(address for address in self._addresses if address.interface == interface)

    def marked(self, interface: str) -> frozenset[Address] | None:
        """Those of them that were added here; None if it keeps no marks."""
        if not self._keeps_marks:
            return None
        return frozenset(address for address in self._marked if address.interface == interface)

    def counters(self, service_id: ServiceId) -> ServiceCounters | None:
        """What ``traffic`` says of one service (real None) and its destinations, and ``connections`` (active, inactive)
        of these, else nothing but zeros.
        """
        if service_id not in self._services:
            return None
        destinations = [
            DestinationCounters(
                held.real,
                held.weight,
                *self.connections.get((service_id, held.real), (0, 0)),
                self.traffic.get((service_id, held.real), Traffic()),
            )
            for held in self.destinations(service_id)
        ]
        return ServiceCounters(service_id, self.traffic.get((service_id, None), Traffic()), destinations)

    def passages(self, ways: Sequence[Way], source: str, vips: Collection[str]) -> list[Passage]:  # noqa: ARG002
        """The same passage for each way."""
        return [self.passage] * len(ways)

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    def _perform(self, operation: Operation) -> int:
        match operation:
            case AddService(service):
                return self._put_service(service, is_new=True)
            case ChangeService(service):
                return self._put_service(service, is_new=False)
            case DeleteService(service_id):
                return self._delete_service(service_id)
            case AddDestination(service_id, destination):
                return self._put_destination(service_id, destination, is_new=True)
            case ChangeDestination(service_id, destination):
                return self._put_destination(service_id, destination, is_new=False)
            case DeleteDestination(service_id, real):
                return self._delete_destination(service_id, real)
            case AddAddress(address):
                return self._add_address(address)
            case DeleteAddress(address):
                return self._delete_address(address)
            case AnnounceRoute() | WithdrawRoute():
                return EOPNOTSUPP

    def _put_service(self, service: Service, *, is_new: bool) -> int:
        if is_new == (service.id in self._services):
            return EEXIST if is_new else ESRCH
        if service.scheduler not in self._schedulers or service.engine not in _ENGINES:
            return ENOENT
        self._services[service.id] = _as_read_back(service)
        self._destinations.setdefault(service.id, {})
        return 0

    def _delete_service(self, service_id: ServiceId) -> int:
        if service_id not in self._services:
            return ESRCH
        del self._services[service_id], self._destinations[service_id]
        return 0

    def _put_destination(self, service_id: ServiceId, destination: Destination, *, is_new: bool) -> int:
        if service_id not in self._services:
            return ESRCH
        if _is_mixed(service_id, destination) and destination.forward.method != "tunnel":
            return EINVAL
        if destination.lower > destination.upper:
            return ERANGE
        destinations = self._destinations[service_id]
        if is_new == (destination.real in destinations):
            return EEXIST if is_new else ENOENT
        if is_new and not self._is_unicast(destination.real):
            return EINVAL
        destinations[destination.real] = destination
        return 0

    def _delete_destination(self, service_id: ServiceId, real: RealId) -> int:
        if service_id not in self._services:
            return ESRCH
        return 0 if self._destinations[service_id].pop(real, None) else ENOENT

    def _add_address(self, address: Address) -> int:
        if address.interface not in self._interfaces:
            return ENODEV
        if address in self._addresses or (":" in address.address and self._has_host(address)):
            return EEXIST
        self._put_address(address)
        self._marked.add(address)
        return 0

    def _put_address(self, address: Address) -> None:
        self._addresses.add(address)
        network = ipaddress.ip_interface(address.address).network
        if network.version == 4 and network.prefixlen < 31:
            self._broadcasts[address] = str(network.broadcast_address)

    def _has_host(self, address: Address) -> bool:
        """Whether the interface has the address, whatever its prefix length: IPv6 takes it only once."""
        host = address.address.partition("/")[0]
        return any(other.address.partition("/")[0] == host for other in self.addresses(address.interface))

    def _delete_address(self, address: Address) -> int:
        if address.interface not in self._interfaces:
            return ENODEV
        if address not in self._addresses:
            return EADDRNOTAVAIL
        self._addresses.remove(address)
        self._marked.discard(address)
        self._broadcasts.pop(address, None)
        return 0

    def _is_unicast(self, real: RealId) -> bool:
        """Whether ip_vs takes the address for a destination (``ip_vs_new_dest`` in ``ip_vs_ctl.c``)."""
        host = parse_endpoint(real).address
        return _may_be_unicast(host) and host not in self._broadcasts.values()


def _as_read_back(service: Service) -> Service:
    """The whole address as a netmask is 0, however it was written."""
    full = 128 if service.key.ipv6 else 32
    return msgspec.structs.replace(service, netmask=0) if service.netmask == full else service


def _is_mixed(service_id: ServiceId, destination: Destination) -> bool:
    return parse_service(service_id).ipv6 != destination.real.startswith("[")


@lru_cache(maxsize=65536)
def _may_be_unicast(host: str) -> bool:
    address = ipaddress.ip_address(host)
    if address.version == 6 and (address.is_link_local or address.ipv4_mapped):
        return False
    return not (address.is_multicast or address.is_unspecified or host == "255.255.255.255")
