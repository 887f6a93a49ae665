"""What the machine refuses waits, and is planned again from what the machine then holds."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from errno import EINVAL, EIO
from pathlib import Path

from kglb.actors.applier_messages import Retry
from kglb.actors.reconciler import Reconciler
from kglb.actors.recorder import RecordingActor
from kglb.actors.refusals import Refusals
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.port import Failure
from kglb.events import ActorCrashed, OperationFailed
from kglb.model import AddAddress, ChangeDestination, DeleteService, Destination, Operation, Service, ServiceId
from kglb.projections import Planned
from tests.actors.virtual import run
from tests.actors.world import World, events_of, kinds, tcp, world
from tests.projections.builders import DNS, VIP, WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)
WEIGH = [ChangeDestination(WEB, Destination(real=real_id(number), weight=7)) for number in range(2)]


class Mute(MemoryDataPlane):
    """Cannot be read while it is ``mute``."""

    mute = False

    def service(self, service_id: ServiceId) -> Service | None:
        if self.mute:
            raise OSError(EIO, "no answer")
        return super().service(service_id)


class Owner(RecordingActor):
    """Remembers when it was told what."""

    def __init__(self, w: World) -> None:
        super().__init__(w.parts.scheduler, w.recorder)
        self.reconciler = Reconciler(self, w.parts, lambda: 0, 30.0)
        self.refusals = Refusals(self, w.parts, self.reconciler)
        self.told: list[tuple[float, object]] = []
        self.now = w.loop.time

    def on_receive(self, message: object) -> None:
        self.told.append((round(self.now(), 3), message))


def refused(*operations: Operation) -> list[tuple[Planned, Failure]]:
    return [(Planned(operation, 1), Failure(EINVAL, "invalid argument")) for operation in operations]


@asynccontextmanager
async def refusing(directory: Path, machine: MemoryDataPlane) -> AsyncIterator[tuple[World, Owner]]:
    async with world(directory, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
        await asyncio.sleep(1)
        owner = Owner(w)
        yield w, owner
        owner.stop()


def test_however_much_of_a_service_is_refused_it_is_tried_again_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with refusing(tmp_path, MemoryDataPlane()) as (w, owner):
            began = w.loop.time()
            assert not owner.refusals
            owner.refusals.record(refused(*WEIGH, AddAddress(VIP)))
            newest = w.recorder.last_seq
            owner.refusals.record(refused(WEIGH[0]))
            await asyncio.sleep(5)
            assert owner.told == [
                (round(began + 0.1, 3), Retry(WEB, newest - 1)),
                (round(began + 0.1, 3), Retry(None, newest)),
            ]
            assert owner.refusals
        assert len(events_of(tmp_path, OperationFailed)) == 4

    run(main())


def test_what_cannot_be_read_back_goes_on_waiting_and_longer(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Mute()
        async with refusing(tmp_path, machine) as (w, owner):
            owner.refusals.record(refused(WEIGH[0]))
            retry = Retry(WEB, w.recorder.last_seq)
            await asyncio.sleep(0.1)
            machine.mute = True
            assert not await owner.refusals.try_again(retry)
            began = w.loop.time()
            await asyncio.sleep(1)
            assert owner.told[1:] == [(round(began + 0.2, 3), retry)]
            machine.mute = False
            assert await owner.refusals.try_again(retry)
            assert not owner.refusals
            assert WEB in w.state.data_plane.dirty.services
            w.state.data_plane.take_dirty()

    run(main())


def test_missing_are_the_addresses_of_what_the_machine_does_not_hold(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with refusing(tmp_path, machine) as (_, owner):
            owner.refusals.record(refused(WEIGH[0]))
            assert owner.refusals.missing() == [], "the service is there, whatever was refused of it"
            machine.apply([DeleteService(WEB)])
            await owner.reconciler.compare(WEB)
            assert owner.refusals.missing() == ["192.168.100.10"]

    run(main())


def test_a_kernel_that_cannot_be_read_back_is_asked_again_and_crashes_nothing(tmp_path: Path) -> None:
    class Silent(Mute):
        def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
            if self.mute:
                raise OSError(EIO, "no answer")
            return super().apply(operations)

    async def main() -> None:
        machine = Silent()
        async with world(tmp_path, config(balancer(check=tcp())), machine=machine) as w:
            await asyncio.sleep(3)
            machine.mute = True
            w.real_fails_now(A)
            await asyncio.sleep(3)
            machine.mute = False
            await asyncio.sleep(10)
            assert w.weights(WEB)[A] == 0
        assert events_of(tmp_path, ActorCrashed) == []

    run(main())


def test_what_the_machine_refuses_is_recorded_stops_nothing_else_and_is_tried_again(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane(schedulers=["wrr"])
        bad = balancer(DNS, name="dns", scheduler="mh")
        async with world(tmp_path, config(bad, balancer()), machine=machine) as w:
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            failures = kinds(tmp_path)[OperationFailed]
            assert failures > 3
        assert kinds(tmp_path)[OperationFailed] < 60, "backoff"

    run(main())
