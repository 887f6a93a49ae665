"""A checkpoint taken in trouble, one that fails, one that does not fit: no half segment, no loss undeclared."""

import asyncio
import errno
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from journal import JournalReader, open_journal
from tests.journal.journals import (
    ORIGIN,
    FailingFiles,
    Noted,
    decode,
    eventually_synced,
    gaps,
    note,
    segments,
    texts,
    until,
    writing,
)
from tests.patience import PATIENCE


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
