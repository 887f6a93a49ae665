"""The memory keeps the contract, and starts with what it is given."""

import time

import pytest

from kglb.dataplane.memory import MemoryDataPlane
from kglb.model import AddDestination, Address, AddService, Service, ServiceId
from tests.dataplane.contract import VIP, WEB, DataPlaneContract, errnos, real, succeed


class TestMemory(DataPlaneContract):
    @pytest.fixture
    def plane(self) -> MemoryDataPlane:
        return MemoryDataPlane()


def test_foreign_services_and_addresses_are_there_from_the_start() -> None:
    foreign = Service(id=ServiceId("udp://192.0.2.1:53"), scheduler="rr")
    plane = MemoryDataPlane(foreign={foreign: [real(1)]}, addresses=[VIP])
    assert plane.services() == [foreign]
    assert plane.destinations(foreign.id) == [real(1)]
    assert plane.addresses("lo") == {VIP}
    assert errnos(plane.apply([AddService(foreign)])) == ["EEXIST"]


def test_a_memory_without_a_scheduler_refuses_it() -> None:
    plane = MemoryDataPlane(schedulers=["rr"])
    assert errnos(plane.apply([AddService(Service(id=WEB, scheduler="wrr"))])) == ["ENOENT"]


def test_addresses_of_one_interface_are_not_those_of_another() -> None:
    plane = MemoryDataPlane(addresses=[Address("192.0.2.1/24", "eth0")], interfaces=["lo", "eth0"])
    assert plane.addresses("lo") == frozenset()
    assert plane.addresses("eth0") == {Address("192.0.2.1/24", "eth0")}


def test_10000_destinations_take_well_under_a_second() -> None:
    plane = MemoryDataPlane()
    additions = [AddDestination(WEB, real(n)) for n in range(1, 10001)]
    started = time.process_time()
    succeed(plane, AddService(Service(id=WEB)), *additions)
    assert time.process_time() - started < 4.0
