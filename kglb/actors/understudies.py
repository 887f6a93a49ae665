"""What replaces the outside in a rehearsal: a journal that keeps nothing, probes that never answer, and a machine that
is read, but only notes what it should do. Only calls to the machine and the resolver are waited for.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from kglb.actors.parts import Resolve
from kglb.checks.probe import Probe
from kglb.checks.vigil import IdleConnection
from kglb.dataplane.counters import ServiceCounters
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.passage import Passage
from kglb.dataplane.port import DataPlane, Failure
from kglb.dataplane.worker import Caller
from kglb.model import Address, Destination, Operation, Service, ServiceId, Way
from kglb.projections import Holding

T = TypeVar("T")


def machine_as_known(known: Holding) -> MemoryDataPlane:
    """A machine that holds what is known of the real one."""
    addresses = [address for address, _ in known.addresses.values()]
    return MemoryDataPlane(
        foreign={service: [*known.destinations.get(id, {}).values()] for id, service in known.services.items()},
        addresses=addresses,
        interfaces={address.interface for address in addresses},
    )


async def unresolved(name: str, ipv6: bool) -> tuple[str, ...]:
    """Ask for no name, so that its last good address stays. Raises OSError."""
    raise OSError(f"{name} is not asked for {'an IPv6' if ipv6 else 'an IPv4'} address")


class Attended:
    """A worker and a resolver that know how many ``pending`` answers are waited for."""

    def __init__(self, worker: Caller, resolve: Resolve) -> None:
        self._worker = worker
        self._resolve = resolve
        self.pending = 0

    @property
    def busy_since(self) -> float | None:
        """That of the worker."""
        return self._worker.busy_since

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Call through the worker."""
        self.pending += 1
        try:
            return await self._worker.call(function, *arguments)
        finally:
            self.pending -= 1

    async def resolve(self, name: str, ipv6: bool) -> tuple[str, ...]:
        """Ask for a name. Raises OSError."""
        self.pending += 1
        try:
            return await self._resolve(name, ipv6)
        finally:
            self.pending -= 1

    async def close(self, timeout: float) -> bool:
        """Close the worker."""
        return await self._worker.close(timeout)


class NoProber:
    """Probes never answer."""

    def schedule(self, probe: Probe, due: float) -> None:
        """Do nothing."""

    def cancel(self, probe: Probe) -> None:
        """Do nothing."""

    def holds(self, probe: Probe) -> bool:  # noqa: ARG002 - none ever answers, none is ever lost
        """Always."""
        return True

    async def close(self) -> None:
        """Do nothing."""


class NoVigil:
    """Nothing is held, so nothing is lost."""

    def hold(self, idle: IdleConnection) -> None:
        """Do nothing."""

    def release(self, idle: IdleConnection) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""


class NoJournal:
    """Numbers records from ``last_seq`` on and keeps none."""

    should_rotate = False
    degraded = None

    def __init__(self, last_seq: int) -> None:
        self.last_seq = last_seq

    @property
    def written_seq(self) -> int:
        """All that was recorded: nothing waits for a disk."""
        return self.last_seq

    @property
    def synced_seq(self) -> int:
        """All that was recorded."""
        return self.last_seq

    def append(self, event: bytes, cause: int | None = None) -> int:  # noqa: ARG002 - nothing is kept
        """Number a record."""
        self.last_seq += 1
        return self.last_seq

    def rotate(self, checkpoint: Iterator[bytes]) -> int:  # noqa: ARG002 - nothing is kept
        """Do nothing."""
        return self.last_seq

    async def wait_written(self, seq: int, timeout: float | None = None) -> bool:  # noqa: ARG002 - it is at once
        """Whether it was recorded."""
        return seq <= self.last_seq

    async def wait_synced(self, seq: int, timeout: float | None = None) -> bool:  # noqa: ARG002 - it is at once
        """Whether it was recorded."""
        return seq <= self.last_seq

    async def close(self, timeout: float) -> bool:  # noqa: ARG002 - nothing is left
        """Do nothing."""
        return True


class Notebook:
    """A machine that is read through; what it is told to do it notes, as if all of it took place."""

    def __init__(self, machine: DataPlane) -> None:
        self.operations: list[Operation] = []
        self._machine = machine

    def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
        """Note the operations."""
        self.operations += operations
        return [None] * len(operations)

    def services(self) -> list[Service]:
        """All virtual services."""
        return self._machine.services()

    def service(self, service_id: ServiceId) -> Service | None:
        """One virtual service, or None."""
        return self._machine.service(service_id)

    def destinations(self, service_id: ServiceId) -> list[Destination]:
        """The destinations of a service."""
        return self._machine.destinations(service_id)

    def addresses(self, interface: str) -> frozenset[Address]:
        """All addresses on an interface."""
        return self._machine.addresses(interface)

    def marked(self, interface: str) -> frozenset[Address] | None:
        """Those of them that carry our mark; None where the kernel keeps no marks."""
        return self._machine.marked(interface)

    def counters(self, service_id: ServiceId) -> ServiceCounters | None:
        """Nothing, since nothing passes through a rehearsal: no connection is seen to end in it."""

    def passages(self, ways: Sequence[Way], source: str, vips: Collection[str]) -> list[Passage]:
        """For each way to a real: the address that checks come from, or what forbids them."""
        return self._machine.passages(ways, source, vips)

    def close(self) -> None:
        """Close the machine that is read."""
        self._machine.close()
