"""A sync that fails: its file is left for a new one, and what may not be on the platter is declared."""

import asyncio
import errno
from pathlib import Path

import pytest

from journal import Damaged
from tests.journal.journals import (
    FailingFiles,
    Hanging,
    eventually_synced,
    gaps,
    note,
    segments,
    texts,
    until,
    write,
    writing,
)
from tests.patience import PATIENCE


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
