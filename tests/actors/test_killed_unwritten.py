"""A daemon that was killed while its disk hung: the machine has what the journal does not, and its successor goes on."""

import asyncio
import errno
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kglb.dataplane.port import Failure
from kglb.events import Event, HealthChanged
from kglb.model import Operation, TcpCheck, WhenDown
from kglb.replay.explain import explain
from kglb.replay.source import Source
from kglb.replay.verify import verify
from tests.actors.virtual import run
from tests.actors.world import REFUSED, WatchedMachine, journal_of, world
from tests.projections.builders import WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)
CHECK = TcpCheck(interval=1.0, timeout=1.0, rise=3, fall=2)


def unwritten(directory: Path, is_first: Callable[[Event], bool]) -> None:
    """Leave the journal as if the disk had taken nothing from the last such record on."""
    *_, last = (record.seq for record in journal_of(directory) if is_first(record.event))
    (segment,) = directory.glob("*.jsonl")
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join(lines[: last - 1]))


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
        assert verify(Source(tmp_path)).difference is None

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
