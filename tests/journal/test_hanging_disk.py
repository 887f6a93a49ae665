"""A disk that hangs: it is noticed, nothing waits for it, and what it took in the end is not lost."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.journal.journals import FAST, Hanging, eventually_synced, gaps, note, texts, until, writing
from tests.patience import PATIENCE


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
