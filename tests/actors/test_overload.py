"""More happens than the kernel can take: what waits is bounded by what there is, and the latest state wins."""

import asyncio
from pathlib import Path

from kglb.actors.applier import BATCH
from kglb.events import HealthChanged, OperationFailed
from kglb.model import AddService, ChangeDestination, DeleteService, TcpCheck
from tests.actors.virtual import run
from tests.actors.world import SlowWorker, WatchedMachine, World, events_of, world
from tests.projections.builders import DNS, WEB, balancer, config

REALS = 500
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
KERNEL = 3.0
"""Seconds in which the kernel answers."""


def with_slow_worker(w: World) -> None:
    w.parts.worker = SlowWorker(w.loop)


def test_reals_that_flap_faster_than_the_kernel_answers_cost_no_more_than_it_can_do(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        crowd = config(balancer(reals=REALS, check=CHECK))
        async with world(tmp_path, crowd, machine=machine, prepare=with_slow_worker) as w:
            await asyncio.sleep(60)
            worker = w.parts.worker
            assert isinstance(worker, SlowWorker)
            worker.seconds, worker.most_waiting = KERNEL, 0
            before, batches = w.recorder.last_seq, len(machine.batches)
            for turn in range(30):
                w.prober.default = ("success", "ok") if turn % 2 else ("failure", "refused")
                await asyncio.sleep(1)
            assert len(events_of(tmp_path, HealthChanged, before + 1)) >= 29 * REALS
            assert len(machine.batches) - batches <= 30 / KERNEL
            assert worker.most_waiting <= 3, "the applier's two tasks, and the reader of counters"
            assert len(w.state.data_plane.dirty.destinations.get(WEB, {})) <= REALS
            worker.seconds = 0.0
            await asyncio.sleep(5)
            assert set(w.weights(WEB).values()) == {1000}

    run(main())


def test_a_stop_gets_through_a_storm(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        crowd = config(balancer(reals=REALS, check=CHECK))
        async with world(tmp_path, crowd, machine=machine, prepare=with_slow_worker) as w:
            await asyncio.sleep(10)
            w.prober.default = ("failure", "refused")
            worker = w.parts.worker
            assert isinstance(worker, SlowWorker)
            worker.seconds = 0.5
            await asyncio.sleep(0.5)
            assert await w.stop()
            assert machine.services() == []
            assert [type(step) for step in machine.batches[-1]].count(DeleteService) == 1

    run(main())


def test_what_changes_while_a_long_plan_is_carried_out_is_carried_out_as_it_is_by_then(tmp_path: Path) -> None:
    """Two batches and more: what is in the last one when the reals fail is never given a weight."""

    async def main() -> None:
        machine = WatchedMachine()
        many = config(balancer(reals=3 * BATCH, check=CHECK, when_all_down="fail_closed"))
        async with world(tmp_path, many, machine=machine, prepare=with_slow_worker) as w:
            await asyncio.sleep(5)
            worker = w.parts.worker
            assert isinstance(worker, SlowWorker)
            w.prober.default = ("failure", "refused")
            await asyncio.sleep(3)
            worker.seconds = KERNEL
            before = len(machine.batches)
            w.prober.default = ("success", "ok")
            await asyncio.sleep(KERNEL + 0.5)  # the first who are up are done with, and all others have begun to be
            w.prober.default = ("failure", "refused")
            await asyncio.sleep(20)
            done = [step for batch in machine.batches[before:] for step in batch]
            raised = [step for step in done if isinstance(step, ChangeDestination) and step.destination.weight]
            assert 0 < len(raised) < 2 * BATCH
            assert set(w.weights(WEB).values()) == {0}

    run(main())


def test_of_a_service_that_is_refused_no_destination_is_tried_and_all_are_there_once_it_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine(schedulers=["wrr"])
        refused = balancer(reals=2 * BATCH + 1, scheduler="mh")
        async with world(tmp_path, config(refused, balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(3)
            failed = {type(event.operation) for event in events_of(tmp_path, OperationFailed)}
            assert failed == {AddService}
            assert len(w.weights(DNS)) == 2
            await w.reload(config(balancer(reals=2 * BATCH + 1), balancer(DNS, name="dns")))
            await asyncio.sleep(10)
            assert len(w.weights(WEB)) == 2 * BATCH + 1

    run(main())
