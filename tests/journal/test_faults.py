"""What a disk does to a journal, wherever it can: nothing acknowledged is lost, nothing damaged is believed.

The kinds of faults are those that etcd's and SQLite's tests know: cut, zeroed, torn, full, failing, and a power cut.
"""

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from journal import Appender, AppenderOptions, Clock, Damaged, InlineDisk, JournalGap, OsFiles, open_journal
from tests.actors.virtual import run
from tests.journal.journals import (
    ORIGIN,
    FailingFiles,
    Noted,
    UnsyncedFiles,
    note,
    read,
    salvage,
    segments,
    state,
    texts,
    write,
)
from tests.patience import PATIENCE

WORDS = [f"word {number} {'x' * 40}" for number in range(30)]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Three segments with some kilobytes."""
    directory = tmp_path / "journal"
    write(directory, WORDS[:10], WORDS[10:20], WORDS[20:])
    return directory


def test_cut_at_any_byte_a_segment_reads_up_to_there_and_goes_on(tmp_path: Path) -> None:
    original, directory = tmp_path / "original", tmp_path / "journal"
    write(original, ["a", "b"])
    name, whole = segments(original)[0].name, segments(original)[0].read_bytes()
    directory.mkdir()
    for size in range(len(whole) + 1):
        for path in directory.iterdir():
            path.unlink()
        (directory / name).write_bytes(whole[:size])
        before = read(directory) if not whole[:size].endswith(b"}") else salvage(directory)[0]
        assert len(before) == whole[:size].count(b"\n")
        write(directory, ["new"], files=UnsyncedFiles())
        kept = [text for text in ("a", "b") if text in [noted(record.event) for record in before]]
        assert texts(directory) == [*kept, "new"]


def noted(event: object) -> str:
    return event.text if isinstance(event, Noted) else ""


def test_every_sector_of_zeros_is_found_and_nothing_but_what_was_written_is_read(written: Path) -> None:
    known = {record.seq: record for record in read(written)}
    for path in segments(written):
        whole = path.read_bytes()
        for offset in range(0, len(whole), 512):
            zeroed = whole[:offset] + b"\0" * len(whole[offset : offset + 512]) + whole[offset + 512 :]
            path.write_bytes(zeroed)
            with pytest.raises(Damaged) as caught:
                read(written)
            assert (caught.value.file, caught.value.line) == (path, 1 + whole[:offset].count(b"\n"))
            assert all(record == known[record.seq] for record in salvage(written)[0])
        path.write_bytes(whole)


class DyingDisk(FailingFiles, UnsyncedFiles):
    """Fails at call ``fatal`` and ever after, as a full or broken disk does; a write there takes half of it first."""

    def __init__(self, fatal: int, number: int) -> None:
        super().__init__()
        self._left = fatal
        self._number = number

    @property
    def is_dead(self) -> bool:
        return self._left < 0

    def _fail(self, operation: str) -> None:
        self._left -= 1
        if self.is_dead:
            raise OSError(self._number, "injected")

    def write(self, fd: int, chunk: bytes | memoryview) -> int:
        if self._left == 0 and len(chunk) > 1:
            self._left = -1
            return OsFiles.write(self, fd, chunk[: len(chunk) // 2])
        return super().write(fd, chunk)


def restart(directory: Path, text: str) -> None:
    """Append in a new process, as it were: the lock of the old one died with it."""
    (directory / "writer.lock").unlink()
    write(directory, [text], files=UnsyncedFiles())


async def append_until_dead(directory: Path, files: DyingDisk) -> tuple[int, int]:
    """Append and rotate; the last record acknowledged as written, and as synced. It ends as by ``kill -9``."""
    options = AppenderOptions(disk=InlineDisk(asyncio.get_running_loop()), clock=Clock(monotonic=lambda: 0.0))
    appender = open_journal(directory, files).appender(ORIGIN, state, options)
    for number in range(24):
        await append_some(appender, number)
    return appender.written_seq, appender.synced_seq


async def append_some(appender: Appender, number: int) -> None:
    """One record, now and then a new segment, and a moment for the disk."""
    appender.append(note(f"record {appender.last_seq + 1}"))
    if number % 8 == 5 and appender.degraded is None:
        appender.rotate(state())
    await asyncio.sleep(0.001 * (number % 3))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_whenever_the_disk_dies_a_restart_finds_all_that_was_acknowledged(tmp_path: Path, number: int) -> None:
    deaths = 0
    for fatal in range(60):
        directory = tmp_path / str(fatal)
        files = DyingDisk(fatal, number)
        try:
            written, synced = run(append_until_dead(directory, files))
        except OSError:
            continue  # it could not even be opened
        deaths += files.is_dead
        restart(directory, "after the restart")
        records = read(directory)
        assert [record.seq for record in records] == list(range(1, len(records) + 1))
        assert len(records) > written >= synced
        for record in records:
            assert noted(record.event) in ("", f"record {record.seq}", "after the restart")
    assert deaths > 30


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_whenever_the_disk_fails_once_nothing_is_missing_undeclared(tmp_path: Path, number: int) -> None:
    class FailsOnce(DyingDisk):
        def _fail(self, operation: str) -> None:
            self._left -= 1
            if self._left == -1:
                raise OSError(self._number, "injected")

    async def scenario(directory: Path, files: DyingDisk) -> None:
        options = AppenderOptions(disk=InlineDisk(asyncio.get_running_loop()), clock=Clock(monotonic=lambda: 0.0))
        appender = open_journal(directory, files).appender(ORIGIN, state, options)
        for number in range(24):
            await append_some(appender, number)
        await asyncio.sleep(60)
        assert appender.degraded is None
        assert appender.synced_seq == appender.last_seq
        assert await appender.close(PATIENCE)

    for fatal in range(1, 60):
        directory = tmp_path / str(fatal)
        run(scenario(directory, FailsOnce(fatal, number)))
        seqs = [record.seq for record in read(directory)]  # raises if anything is missing undeclared
        assert seqs == sorted(set(seqs))


class PowerCut(FailingFiles, UnsyncedFiles):
    """Remembers how much of each file is on the platter; ``cut`` leaves that, and some of the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._paths: dict[int, Path] = {}
        self.platter: dict[Path, int] = {}

    def create(self, path: Path) -> int:
        fd = super().create(path)
        self._paths[fd] = path
        self.platter[path] = 0
        return fd

    def open_append(self, path: Path) -> int:
        fd = super().open_append(path)
        self._paths[fd] = path
        self.platter.setdefault(path, self.size(fd))
        return fd

    def sync(self, fd: int) -> None:
        super().sync(fd)
        if fd in self._paths:
            self.platter[self._paths[fd]] = self.size(fd)

    def cut(self, leave: Callable[[bytes], bytes]) -> None:
        for path, size in self.platter.items():
            if path.exists():
                whole = path.read_bytes()
                path.write_bytes(whole[:size] + leave(whole[size:]))


def leave_nothing(rest: bytes) -> bytes:
    return b""


def leave_zeros(rest: bytes) -> bytes:
    return b"\0" * len(rest)


def leave_the_end(rest: bytes) -> bytes:
    return b"\0" * (len(rest) // 2) + rest[len(rest) // 2 :]


@pytest.mark.parametrize("leave", [leave_nothing, leave_zeros, leave_the_end])
def test_whenever_the_power_is_cut_what_was_synced_is_there(tmp_path: Path, leave: Callable[[bytes], bytes]) -> None:
    async def scenario(directory: Path, files: PowerCut, moment: int) -> tuple[Appender, int]:
        disk = InlineDisk(asyncio.get_running_loop(), latency=0.002)
        options = AppenderOptions(disk=disk, clock=Clock(monotonic=lambda: 0.0))
        appender = open_journal(directory, files).appender(ORIGIN, state, options)
        for number in range(moment):
            appender.append(note(f"record {appender.last_seq + 1}"))
            if number % 8 == 5:
                appender.rotate(state())
            await asyncio.sleep(0.001)
        return appender, appender.synced_seq

    for moment in range(30):
        directory, files = tmp_path / str(moment), PowerCut()
        _, synced = run(scenario(directory, files, moment))
        files.cut(leave)
        restart(directory, "after")
        records = read(directory)
        assert len(records) > synced
        assert all(noted(record.event) in ("", f"record {record.seq}", "after") for record in records)


@pytest.mark.parametrize("leave", [leave_nothing, leave_zeros, leave_the_end])
def test_what_a_killed_process_could_not_sync_its_successor_declares_missing(
    tmp_path: Path, leave: Callable[[bytes], bytes]
) -> None:
    files = PowerCut()

    async def written(text: str) -> Appender:
        options = AppenderOptions(disk=InlineDisk(asyncio.get_running_loop()), clock=Clock(monotonic=lambda: 0.0))
        appender = open_journal(tmp_path, files).appender(ORIGIN, state, options)
        appender.append(note(text))
        await asyncio.sleep(0.01)
        return appender

    async def killed() -> None:
        appender = await written("synced")
        files.errors["sync"] = errno.EIO
        appender.append(note("written"))
        await asyncio.sleep(0.01)

    async def restarted() -> None:
        appender = await written("by the successor")
        del files.errors["sync"]
        await asyncio.sleep(60)
        assert appender.degraded is None
        assert await appender.close(PATIENCE)

    run(killed())
    (tmp_path / "writer.lock").unlink()
    run(restarted())
    files.cut(leave)
    assert texts(tmp_path) == ["synced"]
    (gap,) = (record.event for record in read(tmp_path) if isinstance(record.event, JournalGap))
    assert gap.first_seq == 2, "nobody knows how far the file was synced, but that its first line was"


def test_the_name_of_a_segment_that_a_killed_process_began_is_synced_by_its_successor(tmp_path: Path) -> None:
    write(tmp_path, ["before"], files=UnsyncedFiles())
    files = FailingFiles()
    write(tmp_path, ["after", "and after"], files=files)
    assert files.calls.count("sync_directory") == 1


def test_a_wall_clock_that_steps_back_and_forth_changes_no_order(tmp_path: Path) -> None:
    seconds = iter([1000, 5000, 900, 901, 10**9, 902, 903, 904] + [905] * 30)
    clock = Clock(wall=lambda: next(seconds) * 10**9, monotonic=lambda: 7.0)

    async def scenario() -> None:
        options = AppenderOptions(disk=InlineDisk(asyncio.get_running_loop()), clock=clock)
        appender = open_journal(tmp_path).appender(ORIGIN, state, options)
        for number in range(20):
            appender.append(note(f"record {number + 2}"))
        assert await appender.close(PATIENCE)

    run(scenario())
    records = read(tmp_path)
    assert [record.seq for record in records] == list(range(1, 22))
    assert {record.mono for record in records} == {7.0}
    assert len({record.at for record in records}) > 5
    write(tmp_path, ["after"])
    assert texts(tmp_path)[-1] == "after"
