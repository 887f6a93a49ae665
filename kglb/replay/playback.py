"""Plays what a journal recorded into a data plane, so that an incident happens again: on a real kernel, in the lab.

What is played is what was done to the machine, by us or by strangers; nothing is decided again. Routes are left out:
they are not in the machine. In the end the data plane is compared with what the journal says that it held.
"""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from kglb.dataplane.port import DataPlane, Failure
from kglb.events import ConfigApplied, DriftFound, Entry, OperationsApplied
from kglb.model import AddAddress, Address, DeleteAddress, Operation, RouteOperation
from kglb.projections import Holding, entry_drift
from kglb.replay.source import Found, Source
from kglb.replay.state_at import Onward, state_at

Origin = Literal["start", "applied", "drift", "found"]
"""Who did it: what was there at the beginning, the daemon, a stranger, or whoever made what was then found there."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one record says was done to the machine, and how many seconds after the step before."""

    seq: int
    at: str
    origin: Origin
    operations: tuple[Operation, ...]
    after: float


class Refusal(msgspec.Struct, frozen=True):
    """An operation that was recorded as done, and that the data plane refused now."""

    seq: int
    operation: Operation
    failure: Failure


def known_interfaces(source: Source, last: int) -> set[str]:
    """Every interface that a service's address may have been on up to record ``last``, ``lo`` among them."""
    configs = source.search_back(b"ConfigApplied", 0, last, ConfigApplied)
    events = [record.event for record in configs if isinstance(record.event, ConfigApplied)]
    plane = state_at(source, source.bounds()[0]).state.data_plane
    configured = (balancer.address for event in events for balancer in event.config.balancers)
    held = (address for address, _ in plane.actual.addresses.values())
    return {"lo", *(address.interface for address in (*configured, *held) if address is not None)}


class Recording:
    """The steps that records ``first`` to ``last`` of a journal hold; the first is what was there to begin with.

    ``actual`` is what the journal says the machine holds after the step that was yielded last.
    """

    def __init__(self, source: Source, first: int, last: int) -> None:
        """Raises what ``state_at`` raises."""
        self._onward = Onward(source, first)
        self._last = last

    @property
    def actual(self) -> Holding:
        """What the machine is known to hold."""
        return self._onward.replayed.state.data_plane.actual

    def steps(self) -> Iterator[Step]:
        """Every step, in order."""
        held, waited, before = self.actual, 0.0, None
        begun = self._onward.replayed
        yield Step(seq=begun.state.seq, at=begun.at, origin="start", operations=_leading(Holding(), held), after=0.0)
        for record in self._onward.to(self._last):
            waited += 0.0 if before is None else _seconds(before, record)
            before = record
            origin, operations = _done(record, held, self.actual)
            held = self.actual
            if operations:
                yield Step(seq=record.seq, at=record.at, origin=origin, operations=operations, after=waited)
                waited = 0.0


class Playback:
    """A data plane into which steps are played. It must be empty at first: ``strangers`` are in the way."""

    def __init__(self, machine: DataPlane) -> None:
        self._machine = machine
        self._addresses: set[Address] = set()
        self.strangers = machine.services()

    def play(self, step: Step) -> list[Refusal]:
        """Do what was done; what is refused is returned, and all else is done all the same."""
        self._addresses |= {added.address for added in step.operations if isinstance(added, AddAddress)}
        results = self._machine.apply(step.operations)
        return [
            Refusal(step.seq, operation, failure)
            for operation, failure in zip(step.operations, results, strict=True)
            if failure is not None
        ]

    def differences(self, actual: Holding) -> tuple[Operation, ...]:
        """The operations that lead from what the journal says to what the data plane holds; none if it is the same."""
        found = {service.id: service for service in self._machine.services()}
        changes: list[Operation] = []
        for id in {**actual.services, **found}:
            entry = Entry(found[id], tuple(self._machine.destinations(id))) if id in found else None
            changes += entry_drift(actual, id, entry)
        expected = {address for address, _ in actual.addresses.values()}
        present = self._present(expected | self._addresses)
        changes += [DeleteAddress(address) for address in sorted(expected - present)]
        changes += [AddAddress(address) for address in sorted(present - expected)]
        return tuple(changes)

    def _present(self, candidates: set[Address]) -> set[Address]:
        interfaces = {address.interface for address in candidates}
        return {address for interface in interfaces for address in self._machine.addresses(interface)} & candidates


def _done(record: Found, before: Holding, after: Holding) -> tuple[Origin, tuple[Operation, ...]]:
    """What a record did to the machine. One that replaces what is known whole did what leads from one to the other."""
    if before is not after:
        return "found", _leading(before, after)
    match record.event:
        case OperationsApplied(operations=operations):
            return "applied", _in_machine(operations)
        case DriftFound(changes=changes):
            return "drift", _in_machine(changes)
        case _:
            return "applied", ()


def _in_machine(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    return tuple(operation for operation in operations if not isinstance(operation, RouteOperation))


def _leading(known: Holding, found: Holding) -> tuple[Operation, ...]:
    """From one holding to another, addresses first to go and last to come."""
    before, after = known.addresses, found.addresses
    changes: list[Operation] = [DeleteAddress(address) for key, (address, _) in before.items() if key not in after]
    for id in {**known.services, **found.services}:
        service = found.services.get(id)
        entry = None if service is None else Entry(service, tuple(found.destinations.get(id, {}).values()))
        changes += entry_drift(known, id, entry)
    changes += [AddAddress(address) for key, (address, _) in after.items() if key not in before]
    return tuple(changes)


def _seconds(before: Found, record: Found) -> float:
    """Between two records, by the monotonic clock; a reboot, which sets that back, takes no time."""
    return max(0.0, record.mono - before.mono)
