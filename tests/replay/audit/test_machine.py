"""The machine is to be left as it was wanted when an operation was planned, or later; never as it was wanted before."""

import pytest

from kglb.events import (
    Adopted,
    BalancerDecided,
    Event,
    OperationFailed,
    OperationsApplied,
    Record,
)
from kglb.model import (
    AddAddress,
    AddDestination,
    AddService,
    ChangeDestination,
    DeleteAddress,
    DeleteService,
    Destination,
    Forward,
    Operation,
    RealId,
    Service,
)
from kglb.projections import State
from kglb.replay.audit.diverged import Diverged
from kglb.replay.audit.machine import MachineAudit
from tests.projections.builders import VIP, WEB, added, applied, balancer, real_id, started

A = real_id(0)
SERVICE = Service(id=WEB, scheduler="wrr")


class Machine:
    """A state and its audit; records are numbered from 1."""

    def __init__(self) -> None:
        self.state = State()
        self.audit = MachineAudit(self.state.data_plane, since=0)
        self.seq = 0
        for event in (
            started(),
            Adopted(entries=(), addresses=(), foreign=0),
            applied(balancer(reals=1)),
            added(WEB, 0),
        ):
            self.record(event)
        self.done(AddService(SERVICE), cause=3)
        self.done(AddDestination(WEB, destination(0)), cause=4)
        self.done(AddAddress(VIP), cause=3)

    def record(self, event: Event, cause: int | None = None) -> int:
        self.seq += 1
        record = Record(seq=self.seq, at="", mono=0.0, cause=cause, event=event, crc="")
        if isinstance(event, OperationsApplied):
            self.audit.applied(record)  # type: ignore[arg-type]
        elif isinstance(event, OperationFailed):
            self.audit.failed(record)  # type: ignore[arg-type]
        self.state.fold(self.seq, event)
        self.audit.note(self.state.data_plane.take_dirty())
        return self.seq

    def decided(self, weight: int) -> int:
        """The balancer gives A this weight."""
        return self.record(
            BalancerDecided(
                service=WEB, balancer="web", mode="available", alive=1, total=1, weights={A: weight}, seen=self.seq
            )
        )

    def done(self, operation: Operation, cause: int) -> int:
        return self.record(OperationsApplied(operations=(operation,), causes=(cause,), microseconds=1), cause)


def destination(weight: int, real: RealId = A) -> Destination:
    return Destination(real=real, weight=weight, forward=Forward())


def gives(weight: int) -> ChangeDestination:
    return ChangeDestination(WEB, destination(weight))


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_what_was_wanted_when_it_was_planned_may_be_done_though_it_is_not_wanted_any_more(machine: Machine) -> None:
    first = machine.decided(1000)
    machine.decided(0)
    machine.done(gives(1000), first)


def test_what_was_superseded_before_another_operation_was_planned_may_not(machine: Machine) -> None:
    first = machine.decided(1000)
    second = machine.decided(0)
    failed = OperationFailed(operation=gives(0), errno=5, error="EIO")
    machine.record(failed, second)
    machine.decided(500)
    with pytest.raises(Diverged, match="weight 1000"):
        machine.done(gives(1000), first)


def test_what_was_never_wanted_may_not(machine: Machine) -> None:
    cause = machine.decided(1000)
    with pytest.raises(Diverged, match="recorded that it was done"):
        machine.done(gives(7), cause)


def test_an_entry_that_is_in_step_is_not_touched(machine: Machine) -> None:
    with pytest.raises(Diverged, match="wanted as it was"):
        machine.done(gives(0), 4)


def test_only_what_made_it_wanted_is_its_cause(machine: Machine) -> None:
    machine.decided(1000)
    with pytest.raises(Diverged, match="cause 2"):
        machine.done(gives(1000), 2)


def test_a_refusal_is_a_cause_to_try_again(machine: Machine) -> None:
    cause = machine.decided(1000)
    refused = machine.record(OperationFailed(operation=gives(1000), errno=5, error="EIO"), cause)
    machine.done(gives(1000), refused)


def test_an_address_that_is_not_ours_is_not_deleted(machine: Machine) -> None:
    machine.state.data_plane.actual.addresses[str(VIP)] = (VIP, False)
    cause = machine.record(applied())
    machine.done(DeleteService(WEB), cause)
    with pytest.raises(Diverged, match="none of ours"):
        machine.done(DeleteAddress(VIP), cause)


@pytest.mark.parametrize(("operations", "causes"), [((), ()), ((AddService(SERVICE),), ()), ((), (1, 2))])
def test_operations_without_a_cause_of_each_are_a_difference(
    operations: tuple[Operation, ...], causes: tuple[int, ...]
) -> None:
    applied = OperationsApplied(operations=operations, causes=causes, microseconds=1)
    with pytest.raises(Diverged, match="operations"):
        Machine().audit.applied(Record(2, "2026-11-22T14:30:00.000002Z", 0.0, 1, applied, "00000000"))
