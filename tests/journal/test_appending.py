"""Appending: numbers and stamps at once, acknowledgement in order, rotation in slices, an orderly end."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from journal import Appender, Clock, InlineDisk, Limits, SegmentOpened
from tests.journal.journals import (
    FailingFiles,
    Noted,
    note,
    read,
    segments,
    state,
    texts,
    until,
    write,
    writing,
)
from tests.patience import PATIENCE


class HeldFiles(FailingFiles):
    """Writes and syncs wait until they are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.write_gate, self.sync_gate = threading.Event(), threading.Event()
        self.open()

    def open(self) -> None:
        self.write_gate.set()
        self.sync_gate.set()

    def write(self, fd: int, chunk: bytes | memoryview) -> int:
        self.write_gate.wait()
        return super().write(fd, chunk)

    def sync(self, fd: int) -> None:
        self.sync_gate.wait()
        super().sync(fd)


def test_an_append_is_numbered_at_once_and_stamped_by_the_given_clocks(tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock(wall=lambda: 1795357801_123456_000, monotonic=lambda: 12.5)
        async with writing(tmp_path, clock=clock) as appender:
            assert [appender.append(note("a")), appender.append(note("b"), 2)] == [2, 3]
            assert appender.last_seq == 3

    asyncio.run(run())
    _, first, second = read(tmp_path)
    assert (first.at, first.mono, first.cause) == ("2026-11-22T14:30:01.123456Z", 12.5, None)
    assert (second.cause, second.event) == (2, Noted(text="b"))


def test_a_record_is_acknowledged_as_written_after_the_write_and_as_synced_after_the_sync(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        files = HeldFiles()
        async with writing(tmp_path, files) as appender:
            assert await appender.wait_synced(appender.last_seq)
            files.write_gate.clear()
            files.sync_gate.clear()
            seq = appender.append(note("a"))
            assert not await appender.wait_written(seq, 0.02)
            files.write_gate.set()
            assert await appender.wait_written(seq, PATIENCE)
            assert texts(tmp_path) == ["a"]
            assert appender.synced_seq < seq
            assert not await appender.wait_synced(seq, 0.02)
            files.sync_gate.set()
            assert await appender.wait_synced(seq, PATIENCE)
            assert files.calls[-2:] == ["write", "sync"]

    asyncio.run(run())


def test_a_sync_that_takes_its_time_keeps_nothing_from_being_written(tmp_path: Path) -> None:
    async def run() -> None:
        files = HeldFiles()
        async with writing(tmp_path, files) as appender:
            assert await appender.wait_synced(appender.last_seq)
            files.sync_gate.clear()
            first = appender.append(note("a"))
            assert await appender.wait_written(first, PATIENCE)
            for text in "bcd":  # each on its own, as news of one real after the other
                assert await appender.wait_written(appender.append(note(text)), PATIENCE)
            assert texts(tmp_path) == list("abcd")
            assert appender.synced_seq < first
            assert appender.degraded is None
            files.calls.clear()
            files.sync_gate.set()
            assert await appender.wait_synced(appender.last_seq, PATIENCE)
            assert files.calls == ["sync", "sync"], "what came during the first is synced together"

    asyncio.run(run())


def test_a_new_segment_begins_once_what_is_before_it_is_on_the_platter(tmp_path: Path) -> None:
    async def run() -> None:
        files = HeldFiles()
        async with writing(tmp_path, files) as appender:
            assert await appender.wait_synced(appender.last_seq)
            files.sync_gate.clear()
            assert await appender.wait_written(appender.append(note("a")), PATIENCE)
            assert await appender.wait_written(appender.append(note("b")), PATIENCE)
            files.calls.clear()
            rotated = appender.rotate(state())
            appender.append(note("c"))
            assert not await appender.wait_written(rotated, 0.05)
            files.sync_gate.set()
            assert await appender.wait_synced(appender.last_seq, PATIENCE)
            assert files.calls[:4] == ["sync", "sync", "create", "write"]

    asyncio.run(run())
    assert texts(tmp_path) == ["a", "b", "c"]


def test_who_closes_waits_for_the_sync_that_is_under_way_and_for_that_of_the_rest(tmp_path: Path) -> None:
    async def run() -> None:
        files = HeldFiles()
        async with writing(tmp_path, files) as appender:
            assert await appender.wait_synced(appender.last_seq)
            files.sync_gate.clear()
            assert await appender.wait_written(appender.append(note("a")), PATIENCE)
            assert await appender.wait_written(appender.append(note("b")), PATIENCE)
            files.calls.clear()
            closing = asyncio.create_task(appender.close(PATIENCE))
            await asyncio.sleep(0.05)
            assert not closing.done()
            files.sync_gate.set()
            assert await closing
            assert files.calls.count("sync") == 2
            assert appender.synced_seq == appender.last_seq

    asyncio.run(run())


def test_what_is_appended_while_the_disk_works_is_one_write_and_one_sync(tmp_path: Path) -> None:
    async def run() -> None:
        files = HeldFiles()
        async with writing(tmp_path, files) as appender:
            await appender.wait_synced(appender.append(note("first")))
            files.calls.clear()
            files.sync_gate.clear()
            await appender.wait_written(appender.append(note("second")))
            for number in range(1000):
                appender.append(note(str(number)))
            await appender.wait_written(appender.last_seq)
            files.sync_gate.set()
            await appender.wait_synced(appender.last_seq)
            assert files.calls == ["write", "write", "sync", "sync"]

    asyncio.run(run())


def test_the_loop_is_woken_only_for_those_who_wait(tmp_path: Path) -> None:
    async def run() -> int:
        loop = asyncio.get_running_loop()
        wakes = 0
        original = loop.call_soon_threadsafe

        def counted(*arguments: object, **keywords: object) -> asyncio.Handle:
            nonlocal wakes
            wakes += 1
            return original(*arguments, **keywords)  # type: ignore[arg-type]

        loop.call_soon_threadsafe = counted  # type: ignore[method-assign]
        async with writing(tmp_path) as appender:
            for _ in range(100):
                appender.append(note("a"))
            await until(lambda: appender.synced_seq == appender.last_seq)
            return wakes

    assert asyncio.run(run()) == 0


def test_all_who_wait_are_told(tmp_path: Path) -> None:
    async def run() -> None:
        async with writing(tmp_path) as appender:
            seqs = [appender.append(note(str(number))) for number in range(50)]
            waits = [appender.wait_written(seq, PATIENCE) for seq in reversed(seqs)]
            waits += [appender.wait_synced(seq, PATIENCE) for seq in seqs]
            assert all(await asyncio.gather(*waits))

    asyncio.run(run())


def test_one_who_stops_waiting_is_no_trouble_to_others(tmp_path: Path) -> None:
    async def run() -> None:
        files = HeldFiles()
        async with writing(tmp_path, files) as appender:
            await appender.wait_synced(1)
            files.write_gate.clear()
            seq = appender.append(note("a"))
            gone, stays = (asyncio.create_task(appender.wait_written(seq)) for _ in range(2))
            await asyncio.sleep(0)
            gone.cancel()
            files.open()
            assert await stays

    asyncio.run(run())


def test_an_event_with_a_newline_is_a_bug_of_the_caller(tmp_path: Path) -> None:
    async def run() -> None:
        async with writing(tmp_path) as appender:
            with pytest.raises(AssertionError, match="one line"):
                appender.append(b"{\n}")

    asyncio.run(run())


def large_state(parts: int) -> Iterator[bytes]:
    yield b"["
    for number in range(parts):
        yield b'%s"%s"' % (b"," if number else b"", b"x" * 1000)
    yield b"]"


def test_a_large_checkpoint_is_taken_in_slices_and_records_queue_behind_it(tmp_path: Path) -> None:
    async def run() -> tuple[int, int]:
        ticks = 0
        async with writing(tmp_path, clock=Clock(), limits=Limits(segment_size=0)) as appender:
            await fill_until_due(appender)
            opened = appender.rotate(large_state(4000))
            assert opened == appender.last_seq
            assert not appender.should_rotate
            while appender.written_seq < opened:
                ticks += 1
                appender.append(note(str(ticks)))
                await asyncio.sleep(0)
            assert appender.last_checkpoint_size > 4_000_000
        return opened, ticks

    seq, ticks = asyncio.run(run())
    assert ticks > 1
    assert texts(tmp_path, seq) == [str(number) for number in range(1, ticks + 1)]
    opened = read(tmp_path, seq, 1)[0].event
    assert isinstance(opened, SegmentOpened)
    assert msgspec.json.decode(opened.checkpoint) == ["x" * 1000] * 4000


def test_a_rotation_under_way_is_finished_by_close(tmp_path: Path) -> None:
    async def run() -> None:
        async with writing(tmp_path, clock=Clock()) as appender:
            appender.rotate(large_state(4000))
            appender.append(note("last"))
            assert await appender.close(PATIENCE)

    asyncio.run(run())
    assert texts(tmp_path) == ["last"]


def test_the_sealed_segment_is_on_the_platter_before_the_new_one_is_made(tmp_path: Path) -> None:
    async def run() -> None:
        files = FailingFiles()
        async with writing(tmp_path, files) as appender:
            await appender.wait_synced(1)
            files.calls.clear()
            appender.append(note("a"))
            await appender.wait_synced(appender.rotate(iter([b"{}"])))
            assert [call for call in files.calls if call != "write"] == [
                "sync",
                "create",
                "sync",
                "sync_directory",
            ]

    asyncio.run(run())


def test_rotation_is_due_after_eight_checkpoints_but_not_below_the_floor(tmp_path: Path) -> None:
    async def run() -> None:
        async with writing(tmp_path, limits=Limits(segment_size=4000)) as appender:
            await fill_until_due(appender)
            assert 4000 <= appender.segment_size < 4200
            appender.rotate(iter([b'"' + b"x" * 1000 + b'"']))
            assert not appender.should_rotate
            await fill_until_due(appender)
            assert 8 * appender.last_checkpoint_size <= appender.segment_size < 8 * appender.last_checkpoint_size + 200
            assert appender.segment_size > 9000
            await appender.wait_written(appender.last_seq)
            assert appender.segment_size == segments(tmp_path)[1].stat().st_size

    asyncio.run(run())


async def fill_until_due(appender: Appender) -> None:
    while not appender.should_rotate:
        appender.append(note("a"))
        await asyncio.sleep(0)


def test_a_restart_goes_on_in_the_last_segment_with_its_chain_and_size(tmp_path: Path) -> None:
    write(tmp_path, ["a"], ["b"])

    async def run() -> None:
        async with writing(tmp_path) as appender:
            assert appender.segment_size == segments(tmp_path)[1].stat().st_size
            assert appender.last_checkpoint_size == segments(tmp_path)[1].read_bytes().index(b"\n") + 1
            appender.append(note("c"))

    asyncio.run(run())
    assert len(segments(tmp_path)) == 2
    assert texts(tmp_path) == ["a", "b", "c"]


def test_close_writes_what_is_left_gives_the_lock_back_and_may_be_repeated(tmp_path: Path) -> None:
    async def run() -> None:
        async with writing(tmp_path) as appender:
            for number in range(100):
                appender.append(note(str(number)))
            assert await appender.close(PATIENCE)
            assert await appender.close(PATIENCE)
            with pytest.raises(AssertionError, match="closed"):
                appender.append(note("late"))

    asyncio.run(run())
    write(tmp_path, ["again"])
    assert len(texts(tmp_path)) == 101


def test_a_simulation_commits_on_the_loop_without_a_thread(tmp_path: Path) -> None:
    async def run() -> None:
        threads = set(threading.enumerate())
        async with writing(tmp_path, disk=InlineDisk(asyncio.get_running_loop(), latency=0.01)) as appender:
            seq = appender.append(note("a"))
            assert threads.issuperset(threading.enumerate())
            assert appender.written_seq == 0
            assert not await appender.wait_written(seq, 0.001)
            assert await appender.wait_synced(seq, PATIENCE)
            appender.rotate(state())
            appender.append(note("b"))

    asyncio.run(run())
    assert texts(tmp_path) == ["a", "b"]


def test_every_line_is_plain_json(tmp_path: Path) -> None:
    write(tmp_path, ["a", 'quote " and \\ and \u2028 and \n'], ["b"])
    for path in segments(tmp_path):
        for line in path.read_text().split("\n")[:-1]:
            assert set(json.loads(line)) == {"seq", "at", "mono", "cause", "event", "crc"}
