"""The kernel keeps the contract, and the memory answers as it does, whatever is asked."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kglb.dataplane.kernel import KernelDataPlane
from kglb.dataplane.memory import MemoryDataPlane
from kglb.model import AddService, Operation
from tests.dataplane.contract import DataPlaneContract, by_name, wipe
from tests.dataplane.strategies import SCHEDULERS, SERVICES, operations, services

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def machine() -> Iterator[KernelDataPlane]:
    plane = KernelDataPlane()
    wipe(plane)
    yield plane
    plane.close()


@pytest.fixture
def plane(machine: KernelDataPlane) -> Iterator[KernelDataPlane]:
    yield machine
    wipe(machine)


class TestKernel(DataPlaneContract):
    pass


@settings(max_examples=100)
@given(
    start=st.lists(services(), max_size=5).map(lambda all_of_them: list(map(AddService, all_of_them))),
    changes=st.lists(operations, max_size=40),
)
def test_the_memory_answers_and_holds_what_the_kernel_does(
    plane: KernelDataPlane, start: list[Operation], changes: list[Operation]
) -> None:
    wipe(plane)
    memory = MemoryDataPlane(schedulers=SCHEDULERS)
    assert memory.apply(start) == plane.apply(start)
    assert memory.apply(changes) == plane.apply(changes)
    assert {service.id: service for service in memory.services()} == {
        service.id: service for service in plane.services()
    }
    for service_id in SERVICES:
        assert memory.service(service_id) == plane.service(service_id)
        assert by_name(memory.destinations(service_id)) == by_name(plane.destinations(service_id))
