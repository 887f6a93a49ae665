"""A disk that is full, short, broken or taken away: nothing blocks, and what is lost is declared."""

import asyncio
import errno
import time
from pathlib import Path

import pytest

from journal import Degraded, InlineDisk, JournalReader, Limits, SegmentOpened
from tests.journal.journals import (
    FailingFiles,
    decode,
    eventually_synced,
    gaps,
    note,
    read,
    segments,
    texts,
    until,
    writing,
)
from tests.patience import PATIENCE


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
