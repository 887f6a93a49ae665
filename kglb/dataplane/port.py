"""What a data plane is: the port through which the applier reads and changes the machine.

Two things stand behind it: ``KernelDataPlane`` (ipvs and addresses of this machine) and ``MemoryDataPlane``
(the fake that answers as the kernel does). The port is synchronous: it is called on a worker thread (see
``worker``), never on the event loop. It keeps no state between calls that a caller could see; the applier
remembers, not the port.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from kglb.dataplane.counters import ServiceCounters
from kglb.dataplane.passage import Passage
from kglb.model import Address, Destination, Operation, Service, ServiceId, Way


class Failure(msgspec.Struct, frozen=True):
    """Why one operation did not take place: the kernel's errno, and the same in words for a person.

    ``ENOBUFS`` alone means that the outcome is unknown (the kernel's answer was lost): read that service
    back.
    """

    errno: int
    error: str


class Unavailable(Exception):  # noqa: N818 - it says a state of the machine
    """The machine cannot be driven at all: ``problem`` says what is missing, ``remedy`` what helps."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; try: {remedy}")
        self.problem = problem
        self.remedy = remedy


class DataPlane(Protocol):
    """The machine's virtual services, their destinations, and the addresses on its interfaces.

    Reading and applying raise OSError when the kernel cannot be talked to; a failed operation is a value.
    """

    def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
        """Perform the operations in order, and return for each None or why it did not take place.

        A failure stops nothing else, but for one case: after an AddService that failed, everything later on
        the same service gets its failure too and is not tried, because the service that may be there is not
        ours.
        """

    def services(self) -> list[Service]:
        """All virtual services that the model can name, ours or not, in no particular order."""

    def service(self, service_id: ServiceId) -> Service | None:
        """One virtual service, or None where there is none."""

    def destinations(self, service_id: ServiceId) -> list[Destination]:
        """The destinations of a service in the order in which they were added; none for a service that is not there."""

    def addresses(self, interface: str) -> frozenset[Address]:
        """All addresses on an interface, IPv4 and IPv6; none for an interface that is not there."""

    def marked(self, interface: str) -> frozenset[Address] | None:
        """Those of them with the mark that ``apply`` adds addresses with; None where the kernel keeps no marks."""

    def counters(self, service_id: ServiceId) -> ServiceCounters | None:
        """What was counted of one service and its destinations, or None where there is none."""

    def passages(self, ways: Sequence[Way], source: str, vips: Collection[str]) -> list[Passage]:
        """For each way to a real: the address that checks through the VIP come from, or what forbids them.

        ``source`` is the configured address, empty to find one; ``vips`` are none to take.
        """

    def close(self) -> None:
        """Give back sockets. What is in the kernel stays there."""
