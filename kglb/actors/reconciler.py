"""The applier's eye: compares the machine with what is known of it, and records what somebody else has done to it.

It runs in the applier's tasks and keeps nothing of the machine: ``actual`` is a projection of what is recorded. It
never repairs: what it records is dirty afterwards, and the applier plans that.
"""

import errno
from collections.abc import Callable

from kglb.actors.contests import Contests
from kglb.actors.parts import Parts
from kglb.actors.recorder import RecordingActor
from kglb.dataplane.port import DataPlane, Failure
from kglb.events import Entry, OperationsApplied
from kglb.model import (
    AddAddress,
    AddDestination,
    Address,
    ChangeDestination,
    DeleteDestination,
    Destination,
    Operation,
    RealId,
    ServiceId,
)
from kglb.projections import DataPlaneState, address_drift, entry_drift, interfaces

_LOOKS = 5
"""At one service while it keeps changing under our eyes."""


class Reconciler:
    """One per applier. ``writes`` counts the applier's own, ``interval`` is the seconds between two looks at all."""

    def __init__(self, owner: RecordingActor, parts: Parts, writes: Callable[[], int], interval: float) -> None:
        self._parts = parts
        self._writes = writes
        self.contests = Contests(owner, parts, interval)
        self.unanswered: dict[Address, int] = {}  # which we may have added, and because of which record
        self.unsure: dict[ServiceId, set[RealId]] = {}  # which we may have changed

    @property
    def _state(self) -> DataPlaneState:
        return self._parts.recorder.state.data_plane

    def expect_addresses(self, cause: int) -> None:
        """Whoever crashed, as record ``cause`` says, may have added any address that is wanted and not known."""
        self.unanswered = dict.fromkeys(self._state.desired.addresses_beyond(self._state.actual), cause)

    async def compare_all(self) -> None:
        """Compare everything, a service at a time; the applier's writes come in between."""
        try:
            listed = await self._parts.worker.call(self._parts.machine.services)
            actual = self._state.actual
            self._parts.foreign = sum(service.id not in actual.services for service in listed)
            for id in list(actual.services):
                await self.compare(id)
            await self.compare_addresses()
            self._parts.confirmed = self._parts.now()
        except OSError as error:
            self._parts.say("reconcile failed", error=str(error))
        self.contests.forget()

    async def compare(self, id: ServiceId) -> None:
        """Record how the service in the kernel differs from what is known. A difference counts if it is seen twice:
        a dump that races with deletes skips live entries (and with our own writes, shows what is not known yet).

        Raises OSError where the machine cannot be read.
        """
        seen: tuple[Operation, ...] = ()
        for _ in range(_LOOKS):
            writes = self._writes()
            found = await self._parts.worker.call(_read, self._parts.machine, id)
            if writes != self._writes():
                continue
            drift = entry_drift(self._state.actual, id, found)
            if not drift or drift == seen:
                self.unsure.pop(id, None)
                self.contests.record(drift)
                return
            seen = drift

    async def compare_addresses(self) -> None:
        """Record how the addresses differ from what is known. Raises OSError where they cannot be read."""
        state = self._state
        for interface in interfaces(state.actual, state.desired):
            found = await self._parts.worker.call(self._parts.machine.addresses, interface)
            drift = address_drift(state.actual, state.desired, interface, found)
            ours = tuple(one for one in drift if isinstance(one, AddAddress) and one.address in self.unanswered)
            if ours:
                causes = tuple(self.unanswered.pop(one.address) for one in ours)
                applied = OperationsApplied(operations=ours, causes=causes, microseconds=0)
                self._parts.recorder.record(applied, cause=max(causes))
            if others := tuple(one for one in drift if one not in ours):
                self.contests.record(others)

    def note_answer(self, operation: Operation, failure: Failure | None, cause: int) -> None:
        """What was asked whose answer was lost may be done.

        An address is ours if it turns out to be there: nobody else was asked to add it. Of a destination nobody knows
        whether it serves.
        """
        lost = failure is not None and failure.errno == errno.ENOBUFS
        match operation:
            case AddAddress(address) if failure is None:
                self.unanswered.pop(address, None)
            case AddAddress(address) if lost:
                self.unanswered[address] = cause
            case AddDestination(id, Destination(real=real)) | ChangeDestination(id, Destination(real=real)):
                self._note_destination(id, real, failure, lost)
            case DeleteDestination(id, real):
                self._note_destination(id, real, failure, lost)

    def _note_destination(self, id: ServiceId, real: RealId, failure: Failure | None, lost: bool) -> None:
        if lost:
            self.unsure.setdefault(id, set()).add(real)
        elif failure is None and id in self.unsure:
            self.unsure[id].discard(real)


def _read(machine: DataPlane, id: ServiceId) -> Entry | None:
    service = machine.service(id)
    return None if service is None else Entry(service, tuple(machine.destinations(id)))
