from pathlib import Path
from random import Random

import pytest

from journal.lock import WriterLock
from sim.agenda import Agenda
from sim.disk import PID, Platter, SimFiles
from sim.loop import Killed, ProcessLoop

DIRECTORY, FILE = Path("/d"), Path("/d/1.jsonl")


def machine() -> tuple[Platter, ProcessLoop, SimFiles]:
    loop = ProcessLoop(Agenda())
    platter = Platter(Random(1))
    return platter, loop, SimFiles(platter, loop)


def test_a_crash_of_the_machine_keeps_what_was_synced() -> None:
    platter, _, files = machine()
    fd = files.create(FILE)
    files.write(fd, b"synced")
    files.sync(fd)
    files.sync_directory(DIRECTORY)
    files.write(fd, b"not synced")
    platter.crash()
    assert bytes(platter.files[FILE].bytes).startswith(b"synced")


def test_a_file_whose_name_was_never_synced_is_gone_after_a_crash() -> None:
    platter, _, files = machine()
    files.sync(files.create(FILE))
    platter.crash()
    assert files.names(DIRECTORY) == []


def test_a_full_disk_takes_a_part_and_then_nothing() -> None:
    platter, _, files = machine()
    fd = files.create(FILE)
    platter.full = True
    assert files.write(fd, b"a" * 100) < 100
    with pytest.raises(OSError, match="No space left"):
        files.write(fd, b"a")


def test_a_process_can_be_killed_in_the_middle_of_a_write() -> None:
    platter, loop, files = machine()
    fd = files.create(FILE)
    platter.tears = True
    with pytest.raises(Killed):
        files.write(fd, b"0123456789")
    assert not loop.alive
    assert b"0123456789".startswith(bytes(platter.files[FILE].bytes))


def test_only_one_living_process_holds_the_lock() -> None:
    platter, loop, files = machine()
    other = SimFiles(platter, ProcessLoop(Agenda()))
    assert files.lock(DIRECTORY / "writer.lock") is not None
    assert other.lock(DIRECTORY / "writer.lock") is None
    loop.kill()
    assert other.lock(DIRECTORY / "writer.lock") is not None


def test_a_lock_names_the_simulated_process_whatever_runs_the_simulator() -> None:
    platter, _, files = machine()
    WriterLock(files, DIRECTORY).begin("boot-1")
    assert bytes(platter.files[DIRECTORY / "writer.lock"].bytes) == b"%d boot-1\n" % PID
