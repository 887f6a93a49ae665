"""Reading counters is a guest on the kernel's thread."""

import asyncio

from kglb.dataplane.counters import ServiceCounters, Traffic
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.worker import InlineWorker
from kglb.model import AddService, Service, ServiceId
from kglb.projections import DataPlaneState
from kglb.web.doubts import Doubts
from kglb.web.traffic import FRESH, TrafficReader
from tests.projections.builders import DNS, WEB

UNHEARD = Doubts(DataPlaneState())


class Machine(MemoryDataPlane):
    """Counts how often it is asked."""

    def __init__(self, error: OSError | None = None) -> None:
        super().__init__()
        self.asked: list[ServiceId] = []
        self._error = error
        self.apply([AddService(Service(id=WEB)), AddService(Service(id=DNS))])
        self.traffic[WEB, None] = Traffic(connections=5)

    def counters(self, service_id: ServiceId) -> ServiceCounters | None:
        self.asked.append(service_id)
        if self._error is not None:
            raise self._error
        return super().counters(service_id)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_service_is_a_call_of_its_own() -> None:
    machine = Machine()
    found = asyncio.run(TrafficReader(InlineWorker(), machine, UNHEARD).read([WEB, DNS]))
    assert sorted(machine.asked) == [WEB, DNS]
    assert {counters.id: counters.traffic.connections for counters in found} == {WEB: 5, DNS: 0}


def test_the_kernel_is_asked_once_a_second_however_many_ask() -> None:
    machine, clock = Machine(), Clock()
    reader = TrafficReader(InlineWorker(), machine, UNHEARD, clock)

    async def scenario() -> None:
        for _ in range(10):
            assert len(await reader.read([WEB, DNS])) == 2
        assert len(machine.asked) == 2
        clock.now += FRESH
        await reader.read([WEB, DNS])
        assert len(machine.asked) == 4

    asyncio.run(scenario())


def test_a_service_that_went_meanwhile_is_not_shown() -> None:
    async def scenario() -> None:
        reader = TrafficReader(InlineWorker(), Machine(), UNHEARD)
        await reader.read([WEB, DNS])
        assert [counters.id for counters in await reader.read([DNS])] == [DNS]

    asyncio.run(scenario())


def test_a_machine_that_cannot_be_read_costs_these_series_and_nothing_else() -> None:
    async def scenario() -> None:
        assert await TrafficReader(InlineWorker(), Machine(OSError("gone")), UNHEARD).read([WEB]) == []
        closed = InlineWorker()
        await closed.close(0)
        assert await TrafficReader(closed, Machine(), UNHEARD).read([WEB]) == []

    asyncio.run(scenario())
