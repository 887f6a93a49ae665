"""The end of a daemon, in order or not, and the next one's start: what is ours is known, nothing healthy is lost."""

import asyncio
from collections.abc import Sequence
from errno import EIO
from pathlib import Path

from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.port import Failure
from kglb.events import ConfigApplied, HealthChanged, RealAdded, RunsClosed
from kglb.model import AddAddress, Address, ChangeDestination, Destination, Operation, RealId, Service, ServiceId
from tests.actors.virtual import run
from tests.actors.world import REFUSED, WatchedMachine, events_of, journal_of, kinds, tcp, world
from tests.projections.builders import DNS, WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)


def test_thresholds_that_changed_while_the_daemon_was_away_decide_at_its_start(tmp_path: Path) -> None:
    machine = MemoryDataPlane()

    async def main() -> None:
        async with world(tmp_path, config(balancer(check=tcp(fall=9))), machine=machine) as w:
            await asyncio.sleep(3)
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(4)
            assert w.real(WEB, A).healthy
            await w.stop("leave")
        async with world(tmp_path, config(balancer(check=tcp(fall=3))), machine=machine) as w:
            w.prober.answers[A] = REFUSED
            assert not w.real(WEB, A).healthy
            await asyncio.sleep(0.01)
            assert w.weights(WEB)[A] == 0
        *_, applied = (record.seq for record in journal_of(tmp_path) if isinstance(record.event, ConfigApplied))
        *_, changed = (record for record in journal_of(tmp_path) if isinstance(record.event, HealthChanged))
        assert changed.cause == applied

    run(main())


def foreign() -> dict[Service, list[Destination]]:
    return {
        Service(id=ServiceId("tcp://203.0.113.9:25"), scheduler="lc"): [
            Destination(real=RealId("10.9.9.9:25"), weight=7)
        ]
    }


def test_f14_cleanup_leaves_nothing_behind_and_nothing_foreign_touched(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane(foreign=foreign())
        before = (machine.services(), machine.addresses("lo"))
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(2)
            assert len(machine.services()) == 3
            assert await w.stop()
        assert (machine.services(), machine.addresses("lo")) == before

    run(main())


def test_leave_changes_nothing_and_the_next_start_sends_no_message(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(5)
            assert await w.stop("leave")
        assert len(machine.services()) == 1
        assert kinds(tmp_path)[RunsClosed] == 1
        machine.batches.clear()
        async with world(tmp_path, config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(5)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert w.real(WEB, A).healthy
            await w.stop("leave")
        assert machine.batches == []

    run(main())


def test_after_kill_and_restart_no_healthy_real_loses_its_weight_and_a_dead_one_does(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(5)
            await w.kill()
        machine.batches.clear()
        async with world(
            tmp_path,
            config(balancer(check=tcp(rise=3))),
            machine=machine,
            prepare=lambda w: w.prober.answers.update({A: REFUSED}),
        ) as w:
            await asyncio.sleep(1.5)
            assert w.weights(WEB) == {A: 0, B: 1000}
            assert machine.batches == [(ChangeDestination(WEB, Destination(real=A, weight=0)),)]
            await w.stop("leave")

    run(main())


def test_a_lost_journal_does_not_take_traffic_from_what_the_kernel_serves(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path / "first", config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(5)
            await w.kill()
        async with world(tmp_path / "second", config(balancer(check=tcp(rise=3))), machine=machine) as w:
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert {added.basis for added in events_of(tmp_path / "second", RealAdded)} == {"adopted"}
            await w.stop("leave")

    run(main())


def test_what_was_done_but_not_yet_recorded_when_the_daemon_was_killed_is_ours(tmp_path: Path) -> None:
    class Last(MemoryDataPlane):
        """Does the first batch; then the daemon that asked for it is no more."""

        answers = False

        def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
            results = super().apply(operations)
            if not self.answers:
                raise OSError(0, "killed before the answer came")
            return results

    async def main() -> None:
        machine = Last()
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(0.01)
            await w.kill()
        machine.answers = True
        async with world(tmp_path, config(balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            assert [service.id for service in machine.services()] == [WEB]
            assert await w.stop()
        assert machine.services() == []
        assert Address("192.168.100.10/32", "lo") not in machine.addresses("lo")

    run(main())


def test_an_address_whose_answer_was_lost_is_ours_when_it_turns_out_to_be_there(tmp_path: Path) -> None:
    class Losing(MemoryDataPlane):
        """Adds an address, once, and does not say so."""

        lost = False

        def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
            results = super().apply(operations)
            if not self.lost and any(isinstance(operation, AddAddress) for operation in operations):
                self.lost = True
                raise OSError(EIO, "the answer was lost")
            return results

    async def main() -> None:
        machine = Losing()
        async with world(tmp_path, config(balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            assert await w.stop()
        assert Address("192.168.100.10/32", "lo") not in machine.addresses("lo")

    run(main())


def test_a_real_dropped_from_the_config_while_the_daemon_was_down_goes(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        async with world(tmp_path, config(balancer(), balancer(DNS, name="dns")), machine=machine) as w:
            await asyncio.sleep(5)
            await w.kill()
        async with world(tmp_path, config(balancer(reals=1)), machine=machine) as w:
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 1000}
            assert [service.id for service in machine.services()] == [WEB]

    run(main())


def test_an_address_that_was_there_before_us_stays(tmp_path: Path) -> None:
    async def main() -> None:
        vip = Address("192.168.100.10/32", "lo")
        machine = MemoryDataPlane(addresses=[vip])
        async with world(tmp_path, config(balancer()), machine=machine) as w:
            await asyncio.sleep(1)
            assert await w.stop()
        assert machine.addresses("lo") == {vip}

    run(main())


def test_a_service_that_somebody_else_made_at_our_key_is_adopted_and_put_right(tmp_path: Path) -> None:
    async def main() -> None:
        stranger = {Service(id=WEB, scheduler="lc"): [Destination(real=RealId("10.9.9.9:80"), weight=7)]}
        machine = MemoryDataPlane(foreign=stranger)
        async with world(tmp_path, config(balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            assert machine.services() == [Service(id=WEB, scheduler="wrr")]

    run(main())
