"""Opening for writing: the lock, the torn tail, damage elsewhere, and what is kept of it."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from journal import Damaged, JournalRepaired, Locked, UnknownFormat, open_journal
from journal.format import encode_line
from tests.journal.journals import ORIGIN, Noted, decode, note, read, segments, state, texts, write
from tests.patience import PATIENCE


def repairs(directory: Path) -> list[JournalRepaired]:
    return [record.event for record in read(directory) if isinstance(record.event, JournalRepaired)]


def kept(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if ".jsonl." in path.name}


def test_a_new_journal_begins_with_record_1_and_an_empty_checkpoint(tmp_path: Path) -> None:
    directory = tmp_path / "var" / "journal"
    journal = open_journal(directory)
    assert (journal.checkpoint, journal.opened, journal.last_seq) == (None, None, 0)
    assert list(journal.records(decode)) == []
    journal.close()
    write(directory, ["a"])
    assert [path.name for path in segments(directory)] == ["00000000000000000001.jsonl"]
    assert [record.seq for record in read(directory)] == [1, 2]


def test_opening_gives_the_newest_checkpoint_and_what_follows_it(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"], ["c", "d"])
    journal = open_journal(tmp_path)
    assert journal.checkpoint is not None
    assert msgspec.json.decode(journal.checkpoint) == {"state": 1}
    assert journal.opened is not None
    assert (journal.opened.seq, journal.last_seq) == (4, 6)
    assert [record.event for record in journal.records(decode)] == [Noted(text="c"), Noted(text="d")]
    journal.close()


def test_opening_reads_the_newest_segment_only(tmp_path: Path) -> None:
    write(tmp_path, ["a"], ["b"])
    segments(tmp_path)[0].write_bytes(b"")
    open_journal(tmp_path).close()
    assert segments(tmp_path)[0].read_bytes() == b""


def test_a_second_writer_is_told_who_writes(tmp_path: Path) -> None:
    holder = open_journal(tmp_path)
    with pytest.raises(Locked, match=f"{tmp_path} is being written by process {os.getpid()}"):
        open_journal(tmp_path)
    holder.close()
    open_journal(tmp_path).close()


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = f"from pathlib import Path; from journal import open_journal; open_journal(Path({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    open_journal(tmp_path).close()


def test_cut_at_every_byte_of_the_last_record_the_longest_valid_prefix_stays(tmp_path: Path) -> None:
    original, directory = tmp_path / "original", tmp_path / "journal"
    original.mkdir()
    write(original, ["a", "b"])
    whole = segments(original)[0].read_bytes()
    last = whole.rindex(b'{"seq"')
    for size in range(last + 1, len(whole)):
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(original, directory)
        segments(directory)[0].write_bytes(whole[:size])
        write(directory, ["c"])
        assert texts(directory) == ["a", "c"]
        assert kept(directory) == {"00000000000000000001.jsonl.broken": whole[last:size]}
        assert [(repair.seq, repair.size) for repair in repairs(directory)] == [(3, size - last)]
        assert read(directory)[2].seq == 3


def test_a_batch_torn_in_its_middle_is_torn_off_there(tmp_path: Path) -> None:
    write(tmp_path, list("abcdef"))
    path = segments(tmp_path)[0]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], b"\0" * len(lines[4]), *lines[5:]]))
    write(tmp_path, ["new"])
    assert texts(tmp_path) == ["a", "b", "c", "new"]
    assert kept(tmp_path)[path.name + ".broken"] == b"\0" * len(lines[4]) + b"".join(lines[5:])


def test_a_crash_while_a_segment_was_begun_goes_on_in_the_one_before(tmp_path: Path) -> None:
    write(tmp_path, ["a"], [])
    first, second = segments(tmp_path)
    for size in (0, 1, 100, second.stat().st_size - 1):
        directory = tmp_path / str(size)
        directory.mkdir()
        shutil.copy(first, directory)
        (directory / second.name).write_bytes(second.read_bytes()[:size])
        write(directory, ["b"])
        assert texts(directory) == ["a", "b"]
        assert [path.name for path in segments(directory)] == [first.name]
        assert repairs(directory)[0].kept_as == second.name + ".broken"


def test_where_the_segment_before_is_damaged_too_its_valid_prefix_is_used(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b", "c"], ["d"])
    first, second = segments(tmp_path)
    first.write_bytes(first.read_bytes().replace(b'"b"', b'"B"'))
    second.write_bytes(second.read_bytes().replace(b'"lb1"', b'"lb2"'))
    write(tmp_path, ["new"])
    assert texts(tmp_path) == ["a", "new"]
    assert set(kept(tmp_path)) == {first.name + ".damaged", second.name + ".broken"}
    assert [repair.file for repair in repairs(tmp_path)] == [second.name, first.name]


def test_a_journal_of_which_nothing_is_valid_begins_anew_and_keeps_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "00000000000000000700.jsonl"
    path.write_bytes(b"hello\n")
    write(tmp_path, ["new"])
    assert kept(tmp_path) == {path.name + ".broken": b"hello\n"}
    assert [record.seq for record in read(tmp_path)] == [700, 701, 702]


def test_what_was_kept_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path, ["a"])
    path = segments(tmp_path)[0]
    for rest in (b"one", b"two", b"three"):
        with path.open("ab") as segment:
            segment.write(rest)
        write(tmp_path, [])
    name = path.name + ".broken"
    assert kept(tmp_path) == {name: b"one", name + ".2": b"two", name + ".3": b"three"}


def test_a_record_that_does_not_fold_is_set_aside_with_all_after_it(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"], ["c", "d"], ["e"])  # segments from 1, 4 and 7
    for seq, left in [(8, "abcd"), (7, "abcd"), (6, "abc"), (4, "ab"), (2, "")]:
        journal = open_journal(tmp_path)
        journal.set_aside_from(seq, "it does not fold")
        assert journal.last_seq == seq - 1
        assert "".join(texts(tmp_path)) == left
        journal.close()
    assert len(kept(tmp_path)) == 5


def test_after_setting_aside_the_journal_goes_on_and_says_so(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"], ["c"])

    async def run() -> None:
        journal = open_journal(tmp_path)
        journal.set_aside_from(3, "it does not fold")
        appender = journal.appender(ORIGIN, state)
        appender.append(note("new"))
        assert await appender.close(PATIENCE)

    asyncio.run(run())
    assert texts(tmp_path) == ["a", "new"]
    assert [(repair.file[-10:], repair.seq, repair.reason) for repair in repairs(tmp_path)] == [
        ("0004.jsonl", 4, "it does not fold"),
        ("0001.jsonl", 3, "it does not fold"),
    ]


def test_setting_everything_aside_begins_anew_with_the_same_number(tmp_path: Path) -> None:
    write(tmp_path, ["a"], ["b"])

    async def run() -> None:
        journal = open_journal(tmp_path)
        journal.set_aside_from(1, "nothing folds")
        assert journal.checkpoint is None
        assert await journal.appender(ORIGIN, state).close(PATIENCE)

    asyncio.run(run())
    assert [type(record.event).__name__ for record in read(tmp_path)] == [
        "SegmentOpened",
        "JournalRepaired",
        "JournalRepaired",
    ]


def test_a_record_that_does_not_decode_is_named_for_setting_aside(tmp_path: Path) -> None:
    async def run() -> None:
        appender = open_journal(tmp_path).appender(ORIGIN, state)
        appender.append(note("a"))
        appender.append(b'{"type":"FromTheFuture"}')
        assert await appender.close(PATIENCE)

    asyncio.run(run())
    journal = open_journal(tmp_path)
    with pytest.raises(Damaged, match="not understood") as caught:
        list(journal.records(decode))
    journal.set_aside_from(caught.value.seq, caught.value.reason)
    assert [record.event for record in journal.records(decode)] == [Noted(text="a")]
    journal.close()


def test_a_newer_format_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, ["a"])
    path = segments(tmp_path)[0]
    newer = with_format_2(path.read_bytes())
    path.write_bytes(newer)
    with pytest.raises(UnknownFormat):
        open_journal(tmp_path)
    assert path.read_bytes() == newer
    with pytest.raises(UnknownFormat):  # and the lock was given back
        open_journal(tmp_path)


def with_format_2(segment: bytes) -> bytes:
    first = segment.splitlines()[0]
    return encode_line(first[:-18].replace(b'"format":1', b'"format":2'), 0)[0]


WRITER = """
import asyncio, sys
from pathlib import Path
from tests.journal.journals import note, state, writing

async def run():
    async with writing(Path(sys.argv[1])) as appender:
        while True:
            for number in range(50):
                appender.append(note("x" * number))
            await appender.wait_written(appender.last_seq)
            print(appender.last_seq, flush=True)
            appender.rotate(state())

asyncio.run(run())
"""


def test_a_process_killed_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for acknowledged in (1, 7, 20):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as writer:
            assert writer.stdout is not None
            last = [int(writer.stdout.readline()) for _ in range(acknowledged)][-1]
            writer.kill()
        write(tmp_path, ["after"])
        seqs = [record.seq for record in read(tmp_path)]
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) > last
