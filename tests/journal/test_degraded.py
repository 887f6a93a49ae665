"""A disk that is full, broken, short or hung: nothing blocks, and what is lost is declared."""

import asyncio
import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from journal import (
    Appender,
    Damaged,
    Degraded,
    InlineDisk,
    JournalGap,
    JournalReader,
    Limits,
    SegmentOpened,
    open_journal,
)
from tests.journal.journals import (
    FAST,
    ORIGIN,
    FailingFiles,
    Noted,
    decode,
    note,
    read,
    segments,
    texts,
    until,
    write,
    writing,
)
from tests.patience import PATIENCE


def gaps(directory: Path) -> list[range]:
    found = [record.event for record in read(directory) if isinstance(record.event, JournalGap)]
    return [range(gap.first_seq, gap.last_seq + 1) for gap in found]


@pytest.mark.parametrize("room", [0, 1, 50, 108, 109, 110, 150, 300])
def test_a_full_disk_loses_nothing_that_the_buffer_holds(tmp_path: Path, room: int) -> None:
    states: list[Degraded | None] = []

    async def run() -> None:
        files = FailingFiles()
        async with writing(tmp_path, files, on_state=states.append) as appender:
            await appender.wait_synced(1)
            files.room = room
            for text in "abcde":
                appender.append(note(text))
            await until(lambda: appender.degraded)
            started = time.perf_counter()
            assert not await appender.wait_written(appender.last_seq, PATIENCE)
            assert not await appender.wait_synced(appender.last_seq)
            assert time.perf_counter() - started < PATIENCE / 2
            files.room = None
            appender.append(note("f"))
            await until(lambda: appender.degraded is None)
            assert await appender.wait_synced(appender.last_seq, PATIENCE)

    asyncio.run(run())
    assert texts(tmp_path) == list("abcdef")
    assert gaps(tmp_path) == []
    assert len(segments(tmp_path)) == 1
    first, last = states[0], states[-1]
    assert first is not None
    assert "ENOSPC" in first.reason
    assert str(segments(tmp_path)[0]) in first.reason
    assert first.since.endswith("Z")
    assert last is None


def test_a_write_that_takes_less_than_it_was_given_is_gone_on_with(tmp_path: Path) -> None:
    class Short(FailingFiles):
        def write(self, fd: int, chunk: bytes | memoryview) -> int:
            return super().write(fd, chunk[:7])

    async def run() -> None:
        async with writing(tmp_path, Short()) as appender:
            for text in "abc":
                appender.append(note(text))
            assert await appender.wait_synced(appender.last_seq, PATIENCE)
            assert appender.degraded is None

    asyncio.run(run())
    assert texts(tmp_path) == ["a", "b", "c"]


def test_what_the_buffer_cannot_hold_is_declared_behind_a_new_checkpoint(tmp_path: Path) -> None:
    async def run() -> range:
        files = FailingFiles()
        async with writing(tmp_path, files, limits=Limits(buffer_size=1000)) as appender:
            await appender.wait_synced(1)
            files.errors["write"] = errno.EIO
            kept = [appender.append(note(str(number))) for number in range(50)]
            files.errors.clear()
            await until(lambda: appender.degraded is None and appender.synced_seq == appender.last_seq)
            seq = appender.append(note("after"))
            assert await appender.wait_synced(seq, PATIENCE)
            lost = gaps(tmp_path)[0]
            assert not await appender.wait_written(lost.start)  # gone for ever, though later ones are there
            assert not await appender.wait_synced(lost.start)
            assert await appender.wait_synced(kept[0])
            return lost

    lost = asyncio.run(run())
    found = texts(tmp_path)
    assert found == [str(number) for number in range(len(found) - 1)] + ["after"]
    assert lost == range(len(found) + 1, 52)
    names = [type(record.event).__name__ for record in read(tmp_path, lost.stop)]
    assert names == ["SegmentOpened", "JournalGap", "Noted"]


@pytest.mark.parametrize("operation", ["sync", "sync_directory"])
def test_a_file_whose_sync_failed_is_left_for_a_new_one(tmp_path: Path, operation: str) -> None:
    async def run() -> None:
        files = FailingFiles()
        async with writing(tmp_path, files) as appender:
            appender.append(note("a"))
            await appender.wait_synced(appender.last_seq)
            files.errors[operation] = errno.EIO
            if operation == "sync_directory":
                appender.rotate(iter([b"{}"]))
            appender.append(note("b"))
            await until(lambda: appender.degraded)
            files.errors.clear()
            appender.append(note("c"))
            await until(lambda: appender.degraded is None)
            assert await appender.wait_synced(appender.append(note("d")), PATIENCE)

    asyncio.run(run())
    assert gaps(tmp_path)[0].start == 3
    assert texts(tmp_path)[-2:] == ["c", "d"]
    segment = segments(tmp_path)[-1]
    assert int(segment.stem) == gaps(tmp_path)[0].stop
    write(tmp_path, ["after a restart"])
    assert texts(tmp_path)[-1] == "after a restart"


def test_a_failed_sync_is_never_repeated_on_the_same_file(tmp_path: Path) -> None:
    class Watching(FailingFiles):
        def __init__(self) -> None:
            super().__init__()
            self.failed: set[int] = set()
            self.opened: dict[int, int] = {}

        def create(self, path: Path) -> int:
            fd = super().create(path)
            self.failed.discard(fd)
            return fd

        def write(self, fd: int, chunk: bytes | memoryview) -> int:
            assert fd not in self.failed
            return super().write(fd, chunk)

        def sync(self, fd: int) -> None:
            assert fd not in self.failed
            try:
                super().sync(fd)
            except OSError:
                self.failed.add(fd)
                raise

    async def run() -> None:
        files = Watching()
        async with writing(tmp_path, files) as appender:
            await appender.wait_synced(1)
            files.errors["sync"] = errno.EIO
            appender.append(note("a"))
            await until(lambda: files.calls.count("sync") >= 4)
            files.errors.clear()
            await until(lambda: appender.degraded is None)
            assert await appender.wait_synced(appender.append(note("b")), PATIENCE)

    asyncio.run(run())
    assert gaps(tmp_path)[0].start == 2
    assert texts(tmp_path)[-1] == "b"
    assert len(segments(tmp_path)) == 2  # those begun in vain were removed


def test_a_damaged_end_of_a_file_whose_sync_failed_is_not_damage_where_the_gap_declares_it(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        files = FailingFiles()
        async with writing(tmp_path, files) as appender:
            await appender.wait_synced(appender.append(note("a")))
            files.errors["sync"] = errno.EIO
            appender.append(note("b"))
            appender.append(note("c"))
            await until(lambda: appender.degraded)
            files.errors.clear()
            await until(lambda: appender.degraded is None)
            await appender.wait_synced(appender.append(note("d")), PATIENCE)

    asyncio.run(run())
    first = segments(tmp_path)[0]
    whole = first.read_bytes()
    for size in range(whole.index(b'"seq":3') - 1, len(whole)):
        first.write_bytes(whole[:size])
        assert texts(tmp_path)[0] == "a"
        assert texts(tmp_path)[-1] == "d"
    first.write_bytes(whole.replace(b'"c"', b"\0\0\0"))
    assert texts(tmp_path) == ["a", "b", "d"]
    first.write_bytes(whole.replace(b'"a"', b'"A"'))
    with pytest.raises(Damaged, match="line 2, seq 2"):
        texts(tmp_path)


def test_a_segment_that_cannot_be_made_is_tried_again(tmp_path: Path) -> None:
    async def run() -> None:
        files = FailingFiles()
        async with writing(tmp_path, files) as appender:
            appender.append(note("a"))
            await appender.wait_synced(appender.last_seq)
            files.errors["create"] = errno.EROFS
            appender.rotate(iter([b"{}"]))
            appender.append(note("b"))
            await until(lambda: appender.degraded)
            files.errors.clear()
            assert await eventually_synced(appender)

    asyncio.run(run())
    assert texts(tmp_path) == ["a", "b"]
    assert gaps(tmp_path) == []


async def eventually_synced(appender: Appender) -> bool:
    await until(lambda: appender.degraded is None and appender.synced_seq == appender.last_seq)
    return True


def test_a_checkpoint_that_only_partly_fits_leaves_no_half_segment(tmp_path: Path) -> None:
    async def run() -> None:
        files = FailingFiles()
        async with writing(tmp_path, files) as appender:
            appender.append(note("a"))
            await appender.wait_synced(appender.last_seq)
            files.room = 500
            appender.rotate(iter([b'"' + b"x" * 1000 + b'"']))
            await until(lambda: appender.degraded)
            assert len(segments(tmp_path)) == 1
            files.room = None
            assert await eventually_synced(appender)

    asyncio.run(run())
    assert len(segments(tmp_path)) == 2


class Hanging(FailingFiles):
    def __init__(self, operation: str) -> None:
        super().__init__()
        self.operation = operation
        self.gate = threading.Event()
        self.gate.set()

    def _fail(self, operation: str) -> None:
        if operation == self.operation:
            self.gate.wait(PATIENCE)
        super()._fail(operation)


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_a_disk_that_hangs_is_noticed_and_blocks_neither_the_loop_nor_the_exit(tmp_path: Path, operation: str) -> None:
    async def run() -> None:
        files = Hanging(operation)
        async with writing(tmp_path, files, limits=FAST) as appender:
            await appender.wait_synced(1)
            files.gate.clear()
            waiting = asyncio.create_task(appender.wait_synced(appender.append(note("a"))))
            await until(lambda: appender.degraded)
            assert not await waiting
            assert appender.degraded is not None
            assert "nothing came from the disk for 0.05 s" in appender.degraded.reason
            appender.append(note("b"))
            started = time.perf_counter()
            assert not await appender.wait_synced(appender.last_seq, PATIENCE)
            assert not await appender.close(0.05)
            assert time.perf_counter() - started < PATIENCE / 2
            files.gate.set()

    asyncio.run(run())


def test_a_disk_that_takes_what_is_written_and_syncs_nothing_hangs_however_much_is_written(tmp_path: Path) -> None:
    async def run() -> None:
        files = Hanging("sync")
        async with writing(tmp_path, files, limits=FAST) as appender:
            await appender.wait_synced(1)
            files.gate.clear()
            async with asyncio.timeout(PATIENCE):
                while appender.degraded is None:
                    appender.append(note("on and on"))
                    await asyncio.sleep(0.005)
            assert "nothing came from the disk" in appender.degraded.reason
            files.gate.set()
            assert await eventually_synced(appender)

    asyncio.run(run())
    assert gaps(tmp_path) == []


def test_what_was_written_beside_a_sync_that_failed_is_declared_with_what_was_to_be_synced(tmp_path: Path) -> None:
    async def run() -> list[int]:
        files = Hanging("sync")
        async with writing(tmp_path, files) as appender:
            await appender.wait_synced(1)
            files.gate.clear()
            lost = [appender.append(note("before"))]
            await appender.wait_written(lost[0])
            lost.append(appender.append(note("beside")))
            assert await appender.wait_written(lost[1], PATIENCE)
            files.errors["sync"] = errno.EIO
            files.gate.set()
            await until(lambda: appender.degraded)
            files.errors.clear()
            assert await eventually_synced(appender)
            assert not await appender.wait_written(lost[1])
            return lost

    lost = asyncio.run(run())
    assert gaps(tmp_path) == [range(lost[0], lost[1] + 1)]


def test_a_segment_that_is_removed_under_the_writer_is_left_for_a_new_one(tmp_path: Path) -> None:
    async def run() -> int:
        async with writing(tmp_path) as appender:
            assert await appender.wait_synced(appender.append(note("a")))
            segments(tmp_path)[0].unlink()
            lost = appender.append(note("b"))
            await until(lambda: gaps(tmp_path))
            assert await eventually_synced(appender)
            assert await appender.wait_synced(appender.append(note("c")), PATIENCE)
            return lost

    lost = asyncio.run(run())
    assert texts(tmp_path) == ["c"]
    assert gaps(tmp_path) == [range(lost, lost + 1)]


def test_a_journal_that_is_moved_away_is_degraded_until_it_is_back(tmp_path: Path) -> None:
    directory, elsewhere = tmp_path / "journal", tmp_path / "elsewhere"

    async def run() -> None:
        async with writing(directory) as appender:
            assert await appender.wait_synced(appender.append(note("a")))
            directory.rename(elsewhere)
            appender.append(note("b"))
            await until(lambda: appender.degraded)
            assert appender.degraded is not None
            assert "somebody has removed or replaced it (ENOENT)" in appender.degraded.reason
            elsewhere.rename(directory)
            assert await eventually_synced(appender)
            appender.append(note("c"))

    asyncio.run(run())
    assert texts(directory)[0] == "a"
    assert texts(directory)[-1] == "c"


def test_an_error_that_nobody_expects_is_a_failure_of_the_disk_and_not_its_end(tmp_path: Path) -> None:
    class Broken(FailingFiles):
        broken = False

        def _fail(self, operation: str) -> None:
            if self.broken:
                raise RuntimeError(f"a bug in {operation}")

    async def run() -> None:
        files = Broken()
        async with writing(tmp_path, files) as appender:
            assert await appender.wait_synced(appender.append(note("a")))
            files.broken = True
            appender.append(note("b"))
            await until(lambda: appender.degraded)
            assert appender.degraded is not None
            assert "RuntimeError('a bug in write')" in appender.degraded.reason
            files.broken = False
            assert await eventually_synced(appender)

    asyncio.run(run())
    assert texts(tmp_path) == ["a", "b"]


def test_a_rotation_queued_behind_a_failed_sync_is_given_up_for_a_segment_that_declares_the_loss(
    tmp_path: Path,
) -> None:
    async def run() -> int:
        files = Hanging("sync")
        async with writing(tmp_path, files) as appender:
            await appender.wait_synced(1)
            files.gate.clear()
            await appender.wait_written(appender.append(note("a")))
            files.errors["sync"] = errno.EIO
            rotated = appender.rotate(iter([b"{}"]))
            files.gate.set()
            await until(lambda: appender.degraded)
            files.errors.clear()
            assert await eventually_synced(appender)
            return rotated

    rotated = asyncio.run(run())
    assert rotated in gaps(tmp_path)[0]
    assert [int(path.stem) for path in segments(tmp_path)] == [1, gaps(tmp_path)[0].stop]


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_a_disk_that_hung_for_a_while_loses_nothing(tmp_path: Path, operation: str) -> None:
    states: list[bool] = []

    async def run() -> None:
        files = Hanging(operation)
        async with writing(
            tmp_path, files, limits=FAST, on_state=lambda degraded: states.append(degraded is None)
        ) as appender:
            await appender.wait_synced(1)
            files.gate.clear()
            appender.append(note("a"))
            await until(lambda: appender.degraded)
            appender.append(note("b"))
            files.gate.set()
            assert await eventually_synced(appender)

    asyncio.run(run())
    assert states == [False, True]
    assert texts(tmp_path) == ["a", "b"]
    assert gaps(tmp_path) == []


def test_what_is_recorded_for_a_checkpoint_that_makes_up_for_a_loss_is_in_it_and_not_behind_it(tmp_path: Path) -> None:
    async def run() -> None:
        files = FailingFiles()
        recorded: list[str] = []

        def checkpoint() -> Iterator[bytes]:
            recorded.append("in the checkpoint")
            appender.append(note(recorded[-1]))
            return iter([msgspec.json.encode(recorded)])

        appender = open_journal(tmp_path, files).appender(ORIGIN, checkpoint)
        await appender.wait_synced(1)
        files.errors["sync"] = errno.EIO
        appender.append(note("lost"))
        await until(lambda: appender.degraded)
        files.errors.clear()
        assert await eventually_synced(appender)
        await appender.close(PATIENCE)

    asyncio.run(run())
    opened = JournalReader(tmp_path, decode).checkpoint()
    assert opened is not None
    behind = [record.event for record in JournalReader(tmp_path, decode).records(opened.seq + 1)]
    assert Noted(text="in the checkpoint") not in behind


def test_a_checkpoint_that_fails_is_asked_for_again_and_the_loss_declared(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"["
        raise RuntimeError("no state")

    async def run() -> None:
        async with writing(tmp_path) as appender:
            appender.append(note("a"))
            with pytest.raises(RuntimeError, match="no state"):
                appender.rotate(broken())
            assert appender.degraded is not None
            assert "the checkpoint failed" in appender.degraded.reason
            appender.append(note("lost"))
            assert await eventually_synced(appender)
            appender.append(note("b"))

    asyncio.run(run())
    assert texts(tmp_path) == ["a", "b"]
    assert gaps(tmp_path) == [range(3, 5)]


def test_a_checkpoint_that_fails_for_ever_is_not_asked_for_in_a_hurry(tmp_path: Path) -> None:
    calls = 0

    def broken() -> Iterator[bytes]:
        nonlocal calls
        calls += 1
        raise RuntimeError("no state")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        appender = open_journal(tmp_path).appender(ORIGIN, broken)
        with pytest.raises(RuntimeError, match="no state"):
            appender.rotate(iter(map(_fail, [b"{}"])))
        for _ in range(100):
            appender.append(note("lost"))
            await asyncio.sleep(0.001)
        assert not await appender.close(PATIENCE)

    asyncio.run(run())
    assert calls < 10


def _fail(_: bytes) -> bytes:
    raise RuntimeError("no state")


def test_an_inline_disk_retries_too(tmp_path: Path) -> None:
    async def run() -> None:
        files = FailingFiles()
        async with writing(tmp_path, files, disk=InlineDisk(asyncio.get_running_loop())) as appender:
            await appender.wait_synced(1)
            files.errors["write"] = errno.EIO
            appender.append(note("a"))
            await until(lambda: appender.degraded)
            files.errors.clear()
            assert await eventually_synced(appender)

    asyncio.run(run())
    assert texts(tmp_path) == ["a"]


def test_an_error_that_comes_and_goes_at_every_call_loses_nothing_undeclared(tmp_path: Path) -> None:
    class Flaky(FailingFiles):
        left = 60

        def _fail(self, operation: str) -> None:
            if operation != "truncate" and self.left:
                self.left -= 1
                if self.left % 3 == 0:
                    raise OSError(errno.EIO, "injected")

    async def run() -> None:
        files = Flaky()
        loop = asyncio.get_running_loop()
        async with writing(tmp_path, files, disk=InlineDisk(loop)) as appender:
            for number in range(200):
                appender.append(note(str(number)))
                if number % 40 == 0 and not appender.degraded:
                    appender.rotate(iter([b"{}"]))
                await asyncio.sleep(0)
            files.left = 0
            await until(lambda: appender.degraded is None and appender.synced_seq == appender.last_seq, 15)

    asyncio.run(run())
    seqs = [record.seq for record in read(tmp_path)]  # raises if anything is missing undeclared
    assert seqs == sorted(set(seqs))
    declared = {seq for gap in gaps(tmp_path) for seq in gap}
    assert set(range(1, seqs[-1] + 1)) - set(seqs) <= declared
    opened = JournalReader(tmp_path, decode).checkpoint()
    assert opened is not None
    assert isinstance(opened.event, SegmentOpened)
