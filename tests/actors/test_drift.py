"""Somebody else changes what is ours: it is put right soon, and nobody is fought with for ever. In virtual time."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.actors.applier import DOUBT_PAUSE
from kglb.actors.contests import Contests
from kglb.actors.recorder import Fact, RecordingActor
from kglb.dataplane.memory import MemoryDataPlane
from kglb.decisions.contest import LONGEST, TOLERATED
from kglb.events import BalancerDecided, DriftFound, EntryContested, OperationFailed, OperationsApplied
from kglb.model import (
    AddAddress,
    AddDestination,
    ChangeDestination,
    Config,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    Service,
    ServiceId,
    TcpCheck,
)
from kglb.web.traffic import TrafficReader
from tests.actors.virtual import run
from tests.actors.world import OK, REFUSED, SlowWorker, World, events_of, kinds, world
from tests.projections.builders import DNS, VIP, WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)
EDIT = ChangeDestination(WEB, Destination(real=A, weight=7))
THIRD = Destination(real=real_id(2), weight=9)
INTERVAL = 1.0


def each_second(*balancers: object) -> Config:
    """A config whose daemon compares the machine with what it knows each second."""
    return each(INTERVAL, *(balancers or (balancer(),)))


def each(seconds: float, *balancers: object) -> Config:
    """A config whose daemon compares them so often."""
    plain = config(*balancers)  # type: ignore[arg-type]
    return replace(plain, data_plane=replace(plain.data_plane, reconcile_interval=seconds))


async def another_controller(machine: MemoryDataPlane, edit: Operation) -> None:
    """Wants one thing otherwise, and looks ten times a second."""
    while True:
        await asyncio.sleep(0.1)
        machine.apply([edit])


async def fight(w: World, edit: Operation, seconds: float) -> None:
    stranger = asyncio.create_task(another_controller(w.machine, edit))
    await asyncio.sleep(seconds)
    stranger.cancel()


def test_an_address_that_somebody_deletes_is_back_within_a_second(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer())) as w:
            await asyncio.sleep(2)
            before = w.recorder.last_seq
            w.machine.apply([DeleteAddress(VIP)])
            w.addresses_lost()
            w.addresses_lost()
            await asyncio.sleep(1)
            assert VIP in w.machine.addresses("lo")
            assert events_of(tmp_path, DriftFound, before + 1) == [DriftFound(changes=(DeleteAddress(VIP),))]

    run(main())


def test_news_of_an_address_that_is_not_ours_changes_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer())) as w:
            await asyncio.sleep(2)
            before = w.recorder.last_seq
            w.addresses_lost()
            await asyncio.sleep(1)
            assert w.recorder.last_seq == before

    run(main())


def test_news_while_the_kernel_hangs_wait_as_one_look(tmp_path: Path) -> None:
    async def main() -> None:
        def with_slow_worker(w: World) -> None:
            w.parts.worker = SlowWorker(w.loop)

        async with world(tmp_path, config(balancer()), prepare=with_slow_worker) as w:
            await asyncio.sleep(2)
            worker = w.parts.worker
            assert isinstance(worker, SlowWorker)
            worker.answers.clear()
            worker.most_waiting = 0
            for _ in range(100):
                w.addresses_lost()
                await asyncio.sleep(0.5)
            assert worker.most_waiting <= 2, "this look, and that at everything"
            w.machine.apply([DeleteAddress(VIP)])
            worker.answers.set()
            await asyncio.sleep(1)
            assert VIP in w.machine.addresses("lo")

    run(main())


async def scraped(w: World, *, slices: float = 0.0) -> None:
    """Somebody asks for metrics, whose text is made in slices, with so many seconds before each."""
    reader = TrafficReader(w.parts.worker, w.machine, w.doubts)
    for counters in await reader.read(w.state.data_plane.actual.services):
        await asyncio.sleep(slices)
        for _ in counters.destinations:
            await asyncio.sleep(slices)


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (EDIT, EDIT),
        (DeleteDestination(WEB, A), DeleteDestination(WEB, A)),
        (AddDestination(WEB, THIRD), AddDestination(WEB, THIRD)),
        (DeleteService(WEB), DeleteService(WEB)),
    ],
    ids=["weight", "real deleted", "real added", "service deleted"],
)
def test_what_a_scrape_finds_changed_is_put_right_long_before_the_next_look_at_everything(
    tmp_path: Path, edit: Operation, found: Operation
) -> None:
    async def main() -> None:
        async with world(tmp_path, each(3600.0, balancer())) as w:
            await asyncio.sleep(2)
            before = w.recorder.last_seq
            w.machine.apply([edit])
            await asyncio.sleep(60)
            assert w.recorder.last_seq == before, "nobody has asked"
            await scraped(w)
            await asyncio.sleep(DOUBT_PAUSE + 0.5)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert events_of(tmp_path, DriftFound, before + 1) == [DriftFound(changes=(found,))]

    run(main())


def test_scrapes_without_end_look_at_what_is_in_doubt_once_in_a_while(tmp_path: Path) -> None:
    class Machine(MemoryDataPlane):
        looks = 0

        def destinations(self, service_id: ServiceId) -> list[Destination]:
            self.looks += 1
            return super().destinations(service_id)

    async def main() -> None:
        machine = Machine()
        async with world(tmp_path, each(3600.0, balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            before, machine.looks = w.recorder.last_seq, 0
            for _ in range(1000):
                w.doubts.about(WEB, w.doubts.changes(WEB))
                await asyncio.sleep(0.1)
            assert 0 < machine.looks <= 100 / DOUBT_PAUSE + 1
            assert w.recorder.last_seq == before, "a doubt alone changes nothing"

    run(main())


def test_what_is_read_while_it_is_being_changed_is_in_no_doubt(tmp_path: Path) -> None:
    heard: list[ServiceId] = []

    def with_slow_worker(w: World) -> None:
        w.parts.worker = SlowWorker(w.loop)

    async def main() -> None:
        check = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
        async with world(tmp_path, each(3600.0, balancer(check=check)), prepare=with_slow_worker) as w:
            await asyncio.sleep(2)
            w.doubts.heard_by(heard.append)
            worker = w.parts.worker
            assert isinstance(worker, SlowWorker)
            for seconds in (0.0, 0.001, 0.01, 0.1):
                worker.seconds = seconds
                for number in range(40):
                    w.prober.answers[A] = REFUSED if number % 2 else OK
                    w.prober.ask_now(A)
                    reading = asyncio.create_task(scraped(w, slices=seconds))
                    await asyncio.sleep(seconds * (number % 7) / 2)
                    await scraped(w)
                    await reading
                    await asyncio.sleep(seconds * 5)
            assert len(events_of(tmp_path, OperationsApplied)) > 100
            assert heard == []

    run(main())


def test_a_service_that_is_not_ours_is_in_no_doubt_whoever_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane(foreign={Service(id=DNS): [THIRD]})
        async with world(tmp_path, each(3600.0, balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            before = w.recorder.last_seq
            w.doubts.about(DNS, w.doubts.changes(DNS))
            await asyncio.sleep(10)
            assert w.recorder.last_seq == before
            assert w.weights(DNS) == {THIRD.real: 9}

    run(main())


def test_a_doubt_about_a_machine_that_cannot_be_read_ends_nothing(tmp_path: Path) -> None:
    class Machine(MemoryDataPlane):
        hidden = False

        def service(self, service_id: ServiceId) -> Service | None:
            if self.hidden:
                raise OSError("no buffer")
            return super().service(service_id)

    async def main() -> None:
        machine = Machine()
        async with world(tmp_path, each(3600.0, balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            machine.apply([EDIT])
            machine.hidden = True
            await scraped(w)
            await asyncio.sleep(10)
            machine.hidden = False
            await scraped(w)
            await asyncio.sleep(DOUBT_PAUSE + 0.5)
            assert w.weights(WEB) == {A: 1000, B: 1000}

    run(main())


def test_a_fight_over_a_weight_costs_fewer_and_fewer_changes_and_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, each_second()) as w:
            await asyncio.sleep(2)
            before = w.recorder.last_seq
            await fight(w, EDIT, 3600)
            repairs = events_of(tmp_path, OperationsApplied, before + 1)
            contests = events_of(tmp_path, EntryContested, before + 1)
            assert len(repairs) <= 3600 / LONGEST + 12, "one a second would be 3600"
            assert all(0 < contest.hold < LONGEST for contest in contests[1:])
            assert contests[-1].operation == EDIT
            assert w.parts.contests[f"{WEB} {A}"].drifts == len(contests) + TOLERATED
            await asyncio.sleep(100)
            assert w.weights(WEB) == {A: 1000, B: 1000}, "once the other has given in"
            assert w.parts.contests == {}

    run(main())


def test_what_we_decide_about_a_contested_real_is_done_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        check = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
        async with world(tmp_path, each_second(balancer(check=check))) as w:
            await asyncio.sleep(2)
            await fight(w, EDIT, 600)
            while w.weights(WEB)[A] != 7:
                await fight(w, EDIT, 1)
            w.real_fails_now(A)
            await asyncio.sleep(0.1)
            assert w.weights(WEB) == {A: 0, B: 1000}

    run(main())


def test_what_was_decided_just_before_a_contest_is_found_again_is_done_at_once_too(tmp_path: Path) -> None:
    async def main() -> None:
        check = TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)
        async with world(tmp_path, config(balancer(check=check))) as w:
            await asyncio.sleep(2)
            contests = Contests(RecordingActor(w.parts.scheduler, w.recorder), w.parts, INTERVAL)
            for _ in range(TOLERATED + 3):
                contests.record((EDIT,))
                await asyncio.sleep(0.1)

            def find(fact: Fact) -> None:
                if isinstance(fact.event, BalancerDecided):
                    contests.record((EDIT,))  # before the applier has heard of the decision

            w.recorder.observe(find)
            w.real_fails_now(A)
            await asyncio.sleep(0.1)
            assert w.weights(WEB) == {A: 0, B: 1000}

    run(main())


def test_a_contested_service_is_put_right_whole_and_others_meanwhile(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, each_second(balancer(), balancer(DNS, name="dns"))) as w:
            await asyncio.sleep(2)
            stranger = asyncio.create_task(another_controller(w.machine, DeleteService(WEB)))
            await asyncio.sleep(600)
            w.machine.apply([DeleteDestination(DNS, A)])
            await asyncio.sleep(2.5)
            assert w.weights(DNS) == {A: 1000, B: 1000}
            stranger.cancel()
            await asyncio.sleep(LONGEST + 2.5)
            assert w.weights(WEB) == {A: 1000, B: 1000}

    run(main())


def test_who_clears_everything_now_and_then_takes_nothing_away_for_long(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, each_second()) as w:
            await asyncio.sleep(2)
            for _ in range(30):
                w.machine.apply([DeleteService(WEB)])
                await asyncio.sleep(2.5)
                assert w.weights(WEB) == {A: 1000, B: 1000}
                await asyncio.sleep(LONGEST)

    run(main())


def test_an_address_that_two_want_is_not_fought_over_by_the_second(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer())) as w:
            await asyncio.sleep(2)
            before = w.recorder.last_seq
            for _ in range(600):
                if VIP in w.machine.addresses("lo"):
                    w.machine.apply([DeleteAddress(VIP)])
                    w.addresses_lost()
                await asyncio.sleep(1)
            repairs = [
                operation
                for applied in events_of(tmp_path, OperationsApplied, before + 1)
                for operation in applied.operations
            ]
            assert set(repairs) == {AddAddress(VIP)}
            assert len(repairs) <= 600 / LONGEST + 12

    run(main())


def test_a_stop_cleans_up_what_is_contested_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, each_second()) as w:
            await asyncio.sleep(2)
            await fight(w, EDIT, 600)
            assert await w.stop()
            assert w.machine.services() == []

    run(main())


def test_drift_is_found_recorded_and_repaired(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(2)
            machine.apply([DeleteService(DNS), DeleteDestination(WEB, A)])
            machine.apply([ChangeDestination(WEB, Destination(real=B, weight=3))])
            await asyncio.sleep(31)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert w.weights(DNS) == {A: 1000, B: 1000}
        found = [change for drift in events_of(tmp_path, DriftFound) for change in drift.changes]
        assert ChangeDestination(WEB, Destination(real=B, weight=3)) in found
        assert DeleteDestination(WEB, A) in found
        assert DeleteService(DNS) in found

    run(main())


def test_what_somebody_else_has_deleted_before_a_stop_is_no_refusal(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(5)
            machine.apply([DeleteService(WEB), *(DeleteAddress(one) for one in machine.addresses("lo"))])
            assert await w.stop()
            assert machine.services() == []
        assert OperationFailed not in kinds(tmp_path)
        found = [change for drift in events_of(tmp_path, DriftFound) for change in drift.changes]
        assert DeleteService(WEB) in found

    run(main())
