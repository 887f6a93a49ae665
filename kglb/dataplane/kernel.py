"""The data plane that is this machine's kernel: IPVS and addresses by our own netlink messages."""

from collections.abc import Collection, Sequence

from kglb.dataplane.addresses import Addresses
from kglb.dataplane.batches import perform
from kglb.dataplane.counters import ServiceCounters
from kglb.dataplane.ipvs import Ipvs
from kglb.dataplane.passage import Passage, find_passage, sysctl_reader
from kglb.dataplane.port import Failure
from kglb.dataplane.routes import Routes
from kglb.model import (
    AddAddress,
    Address,
    DeleteAddress,
    Destination,
    Operation,
    RouteOperation,
    Service,
    ServiceId,
    Way,
)


class KernelDataPlane:
    """IPVS and the addresses of the network namespace in which it is made. All calls come from one thread."""

    def __init__(self) -> None:
        """Open the sockets; raises Unavailable where there is no IPVS or we may not change it."""
        self._ipvs = Ipvs()
        self._addresses = Addresses()
        self._routes = Routes()

    def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
        """Perform the operations in order, and return for each None or why it did not take place."""
        return perform(operations, self._send)

    def _send(self, batch: Sequence[Operation]) -> list[int]:
        """Perform a batch, which is one address or only IPVS (see ``batches``)."""
        ipvs = []
        for operation in batch:
            if isinstance(operation, AddAddress | DeleteAddress):
                return [self._addresses.send(operation)]
            if not isinstance(operation, RouteOperation):  # which ``rules`` refuses
                ipvs.append(operation)
        return self._ipvs.send(ipvs)

    def services(self) -> list[Service]:
        """All virtual services that the model can name, in no particular order."""
        return self._ipvs.services()

    def service(self, service_id: ServiceId) -> Service | None:
        """One virtual service, or None where there is none."""
        return self._ipvs.service(service_id)

    def destinations(self, service_id: ServiceId) -> list[Destination]:
        """The destinations of a service in the order in which they were added; none for a service that is not there."""
        return self._ipvs.destinations(service_id)

    def addresses(self, interface: str) -> frozenset[Address]:
        """All addresses on an interface; none for an interface that is not there."""
        return self._addresses.on(interface)

    def marked(self, interface: str) -> frozenset[Address] | None:
        """Those of them that carry our mark; None where the kernel keeps no marks."""
        return self._addresses.marked_on(interface)

    def counters(self, service_id: ServiceId) -> ServiceCounters | None:
        """What was counted of one service and its destinations, or None where there is none."""
        return self._ipvs.counters(service_id)

    def passages(self, ways: Sequence[Way], source: str, vips: Collection[str]) -> list[Passage]:
        """For each way to a real: the address that checks through the VIP come from, or what forbids them."""
        in_force = sysctl_reader()
        return [find_passage(way, source, vips, self._routes.to, in_force) for way in ways]

    def close(self) -> None:
        """Close the sockets. What is in the kernel stays there."""
        self._ipvs.close()
        self._addresses.close()
        self._routes.close()
