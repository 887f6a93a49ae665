"""A daemon that was killed while its disk hung: the machine has what its journal lacks, and its successor goes on."""

import asyncio
import errno
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kglb.actors.daemon import boot_id
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.port import Failure
from kglb.events import Adopted, BalancerDecided, Event, HealthChanged
from kglb.model import Address, Operation, TcpCheck, WhenDown
from kglb.replay.explain import explain
from kglb.replay.settings import Settings
from kglb.replay.source import Source
from kglb.replay.verify import verify
from kglb.replay.whatif import whatif
from tests.actors.virtual import run
from tests.actors.world import REFUSED, WatchedMachine, journal_of, world
from tests.projections.builders import VIP, WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=3, fall=2)


def unwritten(directory: Path, is_first: Callable[[Event], bool]) -> None:
    """Leave the journal as if the disk had taken nothing from the last such record on."""
    *_, last = (record.seq for record in journal_of(directory) if is_first(record.event))
    (segment,) = directory.glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[: last - 1]))
    (directory / "writer.lock").write_text(f"1 {boot_id()}\n")


async def fall_and_rise(directory: Path, machine: WatchedMachine, when_down: WhenDown = "quiesce") -> None:
    """A daemon takes A out, and brings it up again while the disk hangs; then it is killed."""
    async with world(directory, config(balancer(check=CHECK, when_down=when_down)), machine=machine) as w:
        await asyncio.sleep(5)
        w.prober.answers[A] = REFUSED
        await asyncio.sleep(5)
        assert not w.real(WEB, A).healthy
        w.prober.answers.clear()
        await asyncio.sleep(5)
        assert w.weights(WEB) == {A: 1000, B: 1000}
        await w.kill()
    unwritten(directory, lambda event: isinstance(event, HealthChanged) and event.real == A)
    machine.batches.clear()


@pytest.mark.parametrize("when_down", ["quiesce", "remove"])
def test_what_was_brought_up_while_the_disk_hung_keeps_its_weight(tmp_path: Path, when_down: WhenDown) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        await fall_and_rise(tmp_path, machine, when_down)
        async with world(tmp_path, config(balancer(check=CHECK, when_down=when_down)), machine=machine) as w:
            await asyncio.sleep(0.01)
            assert w.real(WEB, A).healthy
            said = explain(Source(tmp_path), A, seq=w.recorder.last_seq)
            await asyncio.sleep(10)
            assert machine.batches == []
            await w.stop("leave")
        assert said.reason == (
            "the kernel sent it traffic when the daemon started, though the journal does not say why, "
            "and no 2 failures in a row have been seen since"
        )
        assert verify(Source(tmp_path)).difference is None

    run(main())


def test_what_was_brought_up_while_the_disk_hung_and_is_dead_by_now_goes_after_fall_probes(tmp_path: Path) -> None:
    async def main() -> None:
        machine = WatchedMachine()
        await fall_and_rise(tmp_path, machine)
        async with world(
            tmp_path,
            config(balancer(check=CHECK)),
            machine=machine,
            prepare=lambda w: w.prober.answers.update({A: REFUSED}),
        ) as w:
            await asyncio.sleep(0.5)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            await asyncio.sleep(2)
            assert w.weights(WEB) == {A: 0, B: 1000}
            await w.stop("leave")
        source = Source(tmp_path)
        assert verify(source).difference is None
        first, *_, last = source.bounds()
        supposed = whatif(source, Settings([]), first, last)
        assert all(change.recorded and change.supposed for change in supposed.transitions)
        (figures,) = supposed.balancers
        assert figures.recorded == figures.supposed

    run(main())


def test_a_weight_that_was_to_be_taken_when_the_daemon_was_killed_is_taken(tmp_path: Path) -> None:
    class Deaf(WatchedMachine):
        """Does nothing of what it is told while it ``hears`` nothing."""

        hears = True

        def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
            if not self.hears:
                raise OSError(errno.EIO, "no answer")
            return super().apply(operations)

    async def main() -> None:
        machine = Deaf()
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            await asyncio.sleep(5)
            machine.hears = False
            w.prober.answers[A] = REFUSED
            await asyncio.sleep(2.5)
            assert w.weights(WEB) == {A: 1000, B: 1000}
            await w.kill()
        machine.hears = True
        async with world(tmp_path, config(balancer(check=CHECK)), machine=machine) as w:
            await asyncio.sleep(0.01)
            assert w.weights(WEB) == {A: 0, B: 1000}
            await w.stop("leave")

    run(main())


class Replaced(MemoryDataPlane):
    """Somebody has removed the address that we added, and put it there again."""

    def marked(self, interface: str) -> frozenset[Address] | None:
        return frozenset() if self.is_replaced else super().marked(interface)

    is_replaced = False


async def serve_once(directory: Path, machine: MemoryDataPlane, on_stop: str = "cleanup") -> None:
    """A daemon starts, and stops in order."""
    async with world(directory, config(balancer()), machine=machine) as w:
        await asyncio.sleep(2)
        assert VIP in machine.addresses("lo")
        assert await w.stop(on_stop)


async def killed_at_once(directory: Path, machine: MemoryDataPlane) -> None:
    """A daemon adds its address; the disk takes its first record and no other."""
    async with world(directory, config(balancer()), machine=machine) as w:
        await asyncio.sleep(2)
        assert VIP in machine.addresses("lo")
        await w.kill()
    unwritten(directory, lambda event: isinstance(event, Adopted))


def test_an_address_that_was_added_while_the_disk_hung_is_ours_by_its_mark(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        await killed_at_once(tmp_path, machine)
        await serve_once(tmp_path, machine)
        assert VIP not in machine.addresses("lo")

    run(main())


def test_a_kernel_that_keeps_no_marks_leaves_such_an_address_to_whom_it_may_belong(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane(keeps_marks=False)
        await killed_at_once(tmp_path, machine)
        await serve_once(tmp_path, machine)
        assert VIP in machine.addresses("lo")

    run(main())


def test_an_address_that_another_daemon_added_is_not_ours_for_its_mark(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        await serve_once(tmp_path / "other", machine, "leave")
        await serve_once(tmp_path / "ours", machine)
        assert VIP in machine.addresses("lo")
        await killed_at_once(tmp_path / "third", machine)
        assert VIP in machine.addresses("lo")

    run(main())


def test_an_address_that_was_there_before_us_stays_so_whatever_its_mark(tmp_path: Path) -> None:
    async def main() -> None:
        machine = MemoryDataPlane()
        await serve_once(tmp_path / "other", machine, "leave")
        async with world(tmp_path / "ours", config(balancer()), machine=machine) as w:
            await asyncio.sleep(2)
            await w.kill()
        unwritten(tmp_path / "ours", lambda event: isinstance(event, BalancerDecided))
        await serve_once(tmp_path / "ours", machine)
        assert VIP in machine.addresses("lo")

    run(main())


def test_an_address_that_somebody_put_in_the_place_of_ours_is_his(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Replaced()
        await serve_once(tmp_path, machine, "leave")
        machine.is_replaced = True
        await serve_once(tmp_path, machine)
        assert VIP in machine.addresses("lo")

    run(main())


def test_an_address_of_ours_from_before_there_were_marks_stays_ours(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Replaced(keeps_marks=False)
        await serve_once(tmp_path, machine, "leave")
        machine.is_replaced = True
        await serve_once(tmp_path, machine, "leave")
        await serve_once(tmp_path, machine)
        assert VIP not in machine.addresses("lo")

    run(main())
