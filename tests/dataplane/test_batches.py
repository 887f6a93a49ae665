"""What may be sent together, and what a failure stops."""

import errno
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from kglb.dataplane.batches import BATCH, batches, perform
from kglb.dataplane.port import Failure
from kglb.model import (
    AddAddress,
    AddDestination,
    Address,
    AddService,
    ChangeDestination,
    DeleteService,
    Destination,
    Operation,
    RealId,
    Service,
    ServiceId,
)
from kglb.model.operations import service_of
from tests.dataplane.strategies import operations

A = ServiceId("tcp://192.0.2.1:80")
B = ServiceId("tcp://192.0.2.2:80")
VIP = AddAddress(Address("192.0.2.1/32", "lo"))


def add(service_id: ServiceId) -> Operation:
    return AddService(Service(id=service_id))


def change(service_id: ServiceId, weight: int = 1) -> Operation:
    return ChangeDestination(service_id, Destination(real=RealId("10.1.0.1:80"), weight=weight))


def sizes(*all_of_them: Operation) -> list[int]:
    return [len(batch) for batch in batches(all_of_them)]


def test_changes_go_together_up_to_a_bound() -> None:
    assert sizes(*[change(A)] * (2 * BATCH + 1)) == [BATCH, BATCH, 1]


def test_nothing_makes_no_batch() -> None:
    assert sizes() == []


def test_what_depends_on_a_new_service_waits_for_its_outcome() -> None:
    assert sizes(add(A), change(A), change(A)) == [1, 2]
    assert sizes(add(A), add(B), change(A), change(B)) == [2, 2]
    assert sizes(add(A), change(B), change(A), add(B), change(A)) == [2, 3]


def test_an_address_stands_alone() -> None:
    assert sizes(change(A), VIP, VIP, change(A), change(A)) == [1, 1, 1, 2]


@given(st.lists(operations, max_size=60))
def test_batches_keep_every_operation_and_their_order(all_of_them: list[Operation]) -> None:
    assert [operation for batch in batches(all_of_them) for operation in batch] == all_of_them
    for batch in batches(all_of_them):
        added = [index for index, operation in enumerate(batch) if isinstance(operation, AddService)]
        assert all(service_of(batch[index]) not in map(service_of, batch[index + 1 :]) for index in added)


class Machine:
    """Refuses the operations it was told to, and remembers what reached it."""

    def __init__(self, *refused: Operation) -> None:
        self.refused = refused
        self.sent: list[Operation] = []

    def send(self, batch: Sequence[Operation]) -> list[int]:
        self.sent += batch
        return [errno.EEXIST if operation in self.refused else 0 for operation in batch]


def test_outcomes_come_back_in_the_order_of_the_operations() -> None:
    machine = Machine(add(B))
    outcomes = perform([change(A), add(B), change(A, 2)], machine.send)
    assert outcomes == [None, Failure(errno.EEXIST, f"service {B} exists already"), None]


def test_after_a_service_was_not_added_nothing_more_reaches_it() -> None:
    machine = Machine(add(A))
    outcomes = perform([add(A), change(A), change(B), DeleteService(A), add(A)], machine.send)
    failure = Failure(errno.EEXIST, f"service {A} exists already")
    assert outcomes == [failure, failure, None, failure, failure]
    assert machine.sent == [add(A), change(B)]


def test_a_service_that_breaks_a_rule_stops_its_destinations_too() -> None:
    machine = Machine()
    wrong = AddService(Service(id=A, flags=("one-packet",)))
    outcomes = perform([wrong, change(A), change(B)], machine.send)
    assert [outcome and outcome.errno for outcome in outcomes] == [errno.EINVAL, errno.EINVAL, None]
    assert machine.sent == [change(B)]


def test_a_failure_is_forgotten_with_the_list() -> None:
    machine = Machine(add(A))
    perform([add(A)], machine.send)
    assert perform([change(A)], machine.send) == [None]


def test_an_address_that_was_not_added_stops_nothing() -> None:
    destination = AddDestination(A, Destination(real=RealId("10.1.0.1:80"), weight=1))
    assert perform([VIP, add(A), destination], Machine(VIP).send)[1:] == [None, None]
