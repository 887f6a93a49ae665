"""IPVS in this machine's kernel: batches of operations, and reading back. It judges and remembers nothing."""

from collections.abc import Iterator, Sequence

from kglb.dataplane import ipvs_codec as codec
from kglb.dataplane.counters import DestinationCounters, ServiceCounters
from kglb.dataplane.ipvs_counters import decode_counters, decode_traffic
from kglb.dataplane.netlink import GenericNetlink
from kglb.dataplane.port import Unavailable
from kglb.model import Destination, Service, ServiceId


class Ipvs:
    """The kernel's table of virtual services. Raises OSError when the kernel cannot be talked to.

    The dumps of a table that another program deletes from may miss entries that are there: the kernel does
    not notice. Confirm an absence by asking again.
    """

    def __init__(self) -> None:
        """Open the socket; raises Unavailable where the kernel has no IPVS or does not let us use it."""
        try:
            self._netlink = GenericNetlink(codec.FAMILY)
        except FileNotFoundError:
            raise Unavailable("the kernel has no IPVS (module ip_vs)", "sudo modprobe ip_vs") from None
        except OSError as problem:
            raise Unavailable(
                f"no netlink socket: {problem}",
                "AF_NETLINK in RestrictAddressFamilies= of the service's unit",
            ) from None
        try:
            self._netlink.get(codec.ask_version())
        except PermissionError:
            self.close()
            raise Unavailable(
                "IPVS needs the capability CAP_NET_ADMIN",
                "sudo, or AmbientCapabilities=CAP_NET_ADMIN in the service's unit",
            ) from None

    def send(self, operations: Sequence[codec.IpvsOperation]) -> list[int]:
        """Perform a batch; the errno of each, 0 where it took place."""
        return self._netlink.request([codec.encode(operation) for operation in operations])

    def services(self) -> list[Service]:
        """All services that the model can name, in no particular order."""
        answers = self._netlink.dump(codec.ask_services())
        return [service for service in map(codec.decode_service, answers) if service is not None]

    def service(self, service_id: ServiceId) -> Service | None:
        """One service, or None where there is none."""
        try:
            answer = self._netlink.get(codec.ask_service(service_id))
        except ProcessLookupError:
            return None
        return codec.decode_service(answer)

    def destinations(self, service_id: ServiceId) -> list[Destination]:
        """The destinations of a service in the order in which they were added; none for a service that is not there."""
        newest_first = self._netlink.dump(codec.ask_destinations(service_id))  # list_add_rcu in ip_vs_ctl.c
        return [codec.decode_destination(answer) for answer in reversed(newest_first)]

    def counters(self, service_id: ServiceId) -> ServiceCounters | None:
        """What was counted of one service and its destinations, or None where there is none."""
        try:
            answer = self._netlink.get(codec.ask_service(service_id))
        except ProcessLookupError:
            return None
        answers = self._netlink.dump(codec.ask_destinations(service_id))
        return ServiceCounters(service_id, decode_traffic(answer), _Destinations(answers))

    def close(self) -> None:
        """Close the socket."""
        self._netlink.close()


class _Destinations:
    """Answers about destinations, decoded when they are iterated."""

    def __init__(self, answers: list[memoryview]) -> None:
        self._answers = answers

    def __iter__(self) -> Iterator[DestinationCounters]:
        return map(decode_counters, self._answers)
