"""The daemon on a disk that hangs, fails or is full, and with a clock that steps: balancing goes on, and it is told."""

import asyncio
import errno
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from journal import InlineDisk, JournalGap, JournalReader
from kglb.actors.recorder import WRITE_DEADLINE
from kglb.events import Event, OperationsApplied, RealDrained, RealRestored, SegmentOpened, decode, encode
from kglb.model import ChangeDestination, Operation, RealId, TcpCheck
from kglb.projections import State
from kglb.replay.fsck import fsck
from tests.actors.virtual import run
from tests.actors.world import REFUSED, UnsyncedFiles, WatchedMachine, World, events_of, journal_of, world
from tests.projections.builders import WEB, balancer, config, real_id

A, B = real_id(0), real_id(1)
CONFIG = config(balancer(check=TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1)))


class HangingDisk(InlineDisk):
    """Nothing comes back from it while it ``hangs``."""

    hangs = False

    def _run(self) -> None:
        if self.hangs:
            self._next = self._loop.call_later(0.1, self._run)
        else:
            super()._run()


class FailingFiles(UnsyncedFiles):
    """What is named in ``errors`` raises that errno."""

    def __init__(self) -> None:
        self.errors: dict[str, int] = {}

    def _fail(self, operation: str) -> None:
        if operation in self.errors:
            raise OSError(self.errors[operation], "injected")

    def create(self, path: Path) -> int:
        self._fail("create")
        return super().create(path)

    def write(self, fd: int, chunk: bytes | memoryview) -> int:
        self._fail("write")
        return super().write(fd, chunk)

    def sync(self, fd: int) -> None:
        self._fail("sync")


async def failover(director: World, real: RealId) -> float:
    """Let a real fail, and come back; seconds from the failed probe to weight 0 in the machine."""
    began = director.loop.time()
    director.real_fails_now(real)
    while director.weights(WEB)[real]:
        await asyncio.sleep(0.001)
    took = director.loop.time() - began
    director.prober.answers.clear()
    while not director.weights(WEB)[real]:
        await asyncio.sleep(0.1)
    return took


def folded(directory: Path) -> bytes:
    """The state that the newest checkpoint and what follows it lead to."""
    reader = JournalReader(directory, decode)
    opened = reader.checkpoint()
    assert opened is not None
    state = State.from_checkpoint(opened.seq, bytes(opened.event.checkpoint))
    for record in reader.records(opened.seq + 1):
        state.fold(record.seq, record.event)
    return b"".join(state.checkpoint())


def test_a_disk_that_hangs_for_half_a_minute_delays_no_failover_beyond_the_write_deadline(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with world(tmp_path, CONFIG, disk=HangingDisk) as director:
            await asyncio.sleep(3)
            assert isinstance(director.disk, HangingDisk)
            director.disk.hangs = True
            began, times = director.loop.time(), [await failover(director, A)]
            while director.loop.time() < began + 30:
                times.append(await failover(director, A))
            assert max(times) <= WRITE_DEADLINE + 0.002
            assert director.recorder.degraded == "nothing came from the disk for 2 s"
            director.disk.hangs = False
            await asyncio.sleep(1)
            assert director.recorder.degraded == ""
            assert director.recorder.unsynced == 0

    run(scenario())
    assert fsck(tmp_path).faults == ()
    assert events_of(tmp_path, JournalGap) == []
    assert len(events_of(tmp_path, OperationsApplied)) > 20


def test_what_is_not_wanted_any_more_once_its_cause_may_be_late_is_not_done(tmp_path: Path) -> None:
    async def scenario() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, CONFIG, machine=machine, disk=HangingDisk) as director:
            await asyncio.sleep(3)
            assert isinstance(director.disk, HangingDisk)
            director.disk.hangs = True
            done = len(machine.batches)
            director.real_fails_now(A)
            await asyncio.sleep(0.01)
            assert not director.real(WEB, A).healthy
            director.prober.answers.clear()
            director.prober.ask_now(A)
            await asyncio.sleep(1)
            assert machine.batches[done:] == []
            director.disk.hangs = False

    run(scenario())


def test_a_drained_real_goes_on_until_one_serves_that_is_to_since_the_write_is_awaited(tmp_path: Path) -> None:
    async def scenario() -> None:
        machine = WatchedMachine()
        async with world(tmp_path, CONFIG, machine=machine, disk=HangingDisk) as director:
            await asyncio.sleep(3)
            record = director.recorder.record
            record(RealDrained(service=WEB, real=B, who="operator"))
            await asyncio.sleep(0.5)
            assert isinstance(director.disk, HangingDisk)
            director.disk.hangs = True
            done = len(machine.batches)
            record(RealDrained(service=WEB, real=A, who="operator"))
            await asyncio.sleep(0.01)
            record(RealRestored(service=WEB, real=B, who="operator"))
            await asyncio.sleep(1)
            assert [weights_in(batch) for batch in machine.batches[done:]] == [{B: 1000}, {A: 0}]
            director.disk.hangs = False

    run(scenario())


def weights_in(batch: Sequence[Operation]) -> dict[RealId, int]:
    return {one.destination.real: one.destination.weight for one in batch if isinstance(one, ChangeDestination)}


@pytest.mark.parametrize("operation", ["write", "sync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_on_a_disk_that_fails_balancing_goes_on_and_afterwards_the_journal_leads_to_the_same_state(
    tmp_path: Path, operation: str, number: int
) -> None:
    state = b""

    async def scenario() -> None:
        nonlocal state
        files = FailingFiles()
        async with world(tmp_path, CONFIG, files=files) as director:
            await asyncio.sleep(3)
            files.errors = {operation: number}
            times = [await failover(director, real) for real in (A, B, A)]
            assert max(times[1:]) <= 0.002, "once degraded nothing waits for the disk"
            assert max(times) <= WRITE_DEADLINE + 0.002
            assert errno.errorcode[number] in director.recorder.degraded
            files.errors = {}
            await asyncio.sleep(15)
            assert director.recorder.degraded == ""
            assert director.recorder.unsynced == 0
            director.recorder.close_runs()
            state = b"".join(director.state.checkpoint())
            await director.kill()

    run(scenario())
    assert fsck(tmp_path).faults == ()
    assert folded(tmp_path) == state
    kinds = [type(record.event) for record in journal_of(tmp_path)]
    if operation == "sync":  # what the file held is nowhere for certain: declared, behind a checkpoint
        assert kinds[kinds.index(JournalGap) - 1] is SegmentOpened
    else:
        assert JournalGap not in kinds


def without_times(directory: Path) -> list[tuple[int, int | None, bytes]]:
    return [(record.seq, record.cause, _timeless(record.event)) for record in journal_of(directory)]


def _timeless(event: Event) -> bytes:
    match event:
        case SegmentOpened():
            return b""
        case OperationsApplied():
            return encode(replace(event, microseconds=0))
        case _:
            return encode(event)


def test_a_wall_clock_that_steps_back_and_forth_changes_nothing_that_is_decided(tmp_path: Path) -> None:
    async def scenario(directory: Path, steps: list[float]) -> None:
        async with world(directory, CONFIG) as director:
            for step in steps:
                await asyncio.sleep(2.5)
                director.wall += step
                director.prober.answers = {A: REFUSED} if A not in director.prober.answers else {}

    run(scenario(tmp_path / "steady", [0.0] * 6))
    run(scenario(tmp_path / "stepping", [3600.0, -7200.0, 86400.0, -86400.0, 0.5, -0.5]))
    assert without_times(tmp_path / "stepping") == without_times(tmp_path / "steady")
    assert [record.mono for record in journal_of(tmp_path / "stepping")] == [
        record.mono for record in journal_of(tmp_path / "steady")
    ]
