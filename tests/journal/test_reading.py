"""Reading: everything, from a number, from a time, the last ones, checkpoints, and for ever."""

import asyncio
import shutil
from itertools import pairwise, takewhile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal import Clock, JournalReader, NoJournal, OsFiles, SegmentOpened, open_journal
from tests.journal.journals import (
    ORIGIN,
    Noted,
    decode,
    note,
    read,
    segments,
    state,
    texts,
    write,
    writing,
)
from tests.patience import PATIENCE


@pytest.fixture
def three_segments(tmp_path: Path) -> Path:
    """Records 1 to 12: segments from 1, 5 and 9, three notes each."""
    write(tmp_path, ["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"])
    return tmp_path


@settings(max_examples=40)
@given(runs=st.lists(st.lists(st.lists(st.text(max_size=9), max_size=4), min_size=1, max_size=3), max_size=3))
def test_what_is_appended_is_what_is_read(tmp_path: Path, runs: list[list[list[str]]]) -> None:
    directory = tmp_path / "journal"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for run in runs:  # a run of the daemon, in segments
        write(directory, *run)
    assert texts(directory) == [text for run in runs for part in run for text in part]
    assert [record.seq for record in read(directory)] == list(range(1, len(read(directory)) + 1))


def test_an_empty_directory_is_an_empty_journal(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path, decode)
    assert list(reader.records()) == []
    assert reader.checkpoint() is None
    assert reader.seq_at("2026") == reader.seq_of_last(3) == 0


@pytest.mark.parametrize("content", [None, b"", b"not a segment\n"])
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NoJournal, match="expected a journal's directory or one segment"):
        JournalReader(path, decode)


def test_every_number_can_be_read_from(three_segments: Path) -> None:
    for seq in range(14):
        assert [record.seq for record in read(three_segments, seq)] == list(range(max(1, seq), 13))


def test_no_more_than_the_limit_is_read(three_segments: Path) -> None:
    assert [record.seq for record in read(three_segments, 4, limit=3)] == [4, 5, 6]


def test_one_segment_reads_alone_under_any_name(three_segments: Path, tmp_path: Path) -> None:
    mailed = segments(three_segments)[1].rename(tmp_path / "incident.txt")
    assert [record.seq for record in read(mailed)] == [5, 6, 7, 8]
    assert [record.seq for record in read(mailed, 7)] == [7, 8]


@pytest.mark.parametrize("count", range(15))
def test_the_last_ones_are_counted_across_segments(three_segments: Path, count: int) -> None:
    reader = JournalReader(three_segments, decode)
    found = list(reader.records(reader.seq_of_last(count))) if count else []
    assert [record.seq for record in found] == list(range(max(1, 13 - count), 13))


def test_none_of_the_last_is_the_number_behind_them(three_segments: Path) -> None:
    assert JournalReader(three_segments, decode).seq_of_last(0) == 13


def test_the_newest_checkpoint_up_to_a_number_is_found(three_segments: Path) -> None:
    reader = JournalReader(three_segments, decode)
    found = {seq: reader.checkpoint(seq) for seq in range(14)}
    assert found[0] is None
    assert {seq: record.seq for seq, record in found.items() if record} == {
        seq: 1 if seq < 5 else 5 if seq < 9 else 9 for seq in range(1, 14)
    }
    newest = reader.checkpoint()
    assert newest is not None
    assert newest.seq == 9
    assert msgspec.json.decode(newest.event.checkpoint) == {"state": 1}
    assert (newest.event.host, newest.event.boot_id, newest.event.software) == ("lb1", "b00t", "1.0")


def test_a_segment_names_the_checksum_before_it(three_segments: Path) -> None:
    records = read(three_segments)
    for before, record in pairwise(records):
        if isinstance(record.event, SegmentOpened):
            assert record.event.chain == before.crc


def write_at(directory: Path, seconds: list[int], rotate_at: int, *, mono: bool = False) -> None:
    """One record a time given; its text is the time. With ``mono`` the monotonic clock goes on by a second each."""
    now, passed = [seconds[0] * 10**9], [0.0]

    async def run() -> None:
        async with writing(directory, clock=Clock(lambda: now[0], lambda: passed[0])) as appender:
            for number, second in enumerate(seconds):
                now[0], passed[0] = second * 10**9, float(number) if mono else 0.0
                if number == rotate_at:
                    appender.rotate(state())
                appender.append(note(str(second)))

    asyncio.run(run())


def test_every_time_can_be_read_from(tmp_path: Path) -> None:
    write_at(tmp_path, [10, 11, 11, 12, 20, 21, 21, 30], rotate_at=4)
    reader = JournalReader(tmp_path, decode)
    for second in range(9, 32):
        seq = reader.seq_at(f"1970-01-01T00:00:{second:02}")
        found = [int(text) for text in texts(tmp_path, seq)]
        assert found == [at for at in [10, 11, 11, 12, 20, 21, 21, 30] if at >= second]


@given(seconds=st.lists(st.integers(10, 30), min_size=1, max_size=12), wanted=st.integers(10, 30))
@settings(max_examples=30)
def test_however_the_clock_stepped_a_time_is_found_at_an_edge(tmp_path: Path, seconds: list[int], wanted: int) -> None:
    shutil.rmtree(tmp_path)
    write_at(tmp_path, seconds, rotate_at=len(seconds) // 2)
    time = f"1970-01-01T00:00:{wanted:02}"
    seq = JournalReader(tmp_path, decode).seq_at(time)
    before, after = read(tmp_path)[: seq - 1], read(tmp_path, seq)
    assert not before or before[-1].at < time
    assert not after or after[0].at >= time


@given(
    count=st.integers(1, 12),
    step=st.integers(-8, 8),
    stepped_at=st.integers(0, 12),
    rotate_at=st.integers(0, 12),
    wanted=st.integers(10, 45),
)
@settings(max_examples=60)
def test_where_the_clock_stepped_once_nothing_of_a_time_is_left_out(
    tmp_path: Path, count: int, step: int, stepped_at: int, rotate_at: int, wanted: int
) -> None:
    shutil.rmtree(tmp_path)
    write_at(tmp_path, [20 + at + step * (at >= stepped_at) for at in range(count)], rotate_at, mono=True)
    records, reader = read(tmp_path), JournalReader(tmp_path, decode)
    time = f"1970-01-01T00:00:{wanted:02}.000000Z"
    since, until = reader.seq_at(time), reader.seq_until(time)
    assert since == next((record.seq for record in records if record.at >= time), len(records) + 1)
    assert until == max((record.seq for record in records if record.at <= time), default=0)


def test_a_seek_reads_little_of_a_long_segment(tmp_path: Path) -> None:
    write(tmp_path, [str(number) for number in range(5000)])

    class Counting(OsFiles):
        read_bytes = 0

        def read(self, fd: int, count: int, offset: int) -> bytes:
            chunk = super().read(fd, count, offset)
            self.read_bytes += len(chunk)
            return chunk

    files = Counting()
    reader = JournalReader(tmp_path, decode, files=files)
    assert reader.seq_of_last(1) == 5001
    assert files.read_bytes < segments(tmp_path)[0].stat().st_size / 4


def test_following_yields_none_until_there_is_more(tmp_path: Path) -> None:
    async def run() -> None:
        follower = JournalReader(tmp_path, decode).follow()
        assert next(follower) is None  # there is not even a segment
        async with writing(tmp_path) as appender:
            await appender.wait_written(appender.append(note("a")))
            assert [record and record.seq for record in (next(follower), next(follower), next(follower))] == [
                1,
                2,
                None,
            ]
            await appender.wait_written(appender.append(note("b")))
            found = next(follower)
            assert found is not None
            assert found.event == Noted(text="b")

    asyncio.run(run())


def test_following_a_live_writer_across_rotations_misses_nothing(tmp_path: Path) -> None:
    async def run() -> list[int]:
        found: list[int] = []
        async with writing(tmp_path) as appender:
            follower = JournalReader(tmp_path, decode).follow()
            for number in range(200):
                appender.append(note(str(number)))
                if number % 23 == 0:
                    appender.rotate(state())
                if number % 7 == 0:
                    await asyncio.sleep(0.001)
                found += [record.seq for record in takewhile(bool, follower) if record]
            await appender.wait_synced(appender.last_seq)
        return found + [record.seq for record in takewhile(bool, follower) if record]

    found = asyncio.run(run())
    assert found == list(range(1, 211))


def test_following_from_a_number_that_is_not_yet(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"])
    follower = JournalReader(tmp_path, decode).follow(6)
    assert next(follower) is None
    write(tmp_path, ["c", "d", "e"])
    assert [record.seq for record in takewhile(bool, follower) if record] == [6]


def test_a_segment_that_is_set_aside_just_when_it_is_to_be_opened_is_no_trouble(tmp_path: Path) -> None:
    write(tmp_path, ["a"], [])
    begun = segments(tmp_path)[1]
    begun.write_bytes(begun.read_bytes()[:40])

    class Racing(OsFiles):
        def open_read(self, path: Path) -> int:
            if path == begun:
                write(tmp_path, ["b"])  # another start, which sets it aside
            return super().open_read(path)

    follower = JournalReader(tmp_path, decode, files=Racing()).follow()
    found = [record.seq for record in takewhile(bool, follower) if record]
    assert not begun.exists()
    assert found == [1, 2, 3, 4]


@pytest.mark.parametrize("begun", [b"", b'{"seq":1,"at":'])
def test_a_first_segment_that_is_set_aside_while_it_is_waited_for_is_begun_anew(tmp_path: Path, begun: bytes) -> None:
    (tmp_path / "00000000000000000001.jsonl").write_bytes(begun)  # its writer was killed before it had a first line
    follower = JournalReader(tmp_path, decode).follow()
    assert next(follower) is None
    write(tmp_path, ["a", "b"], ["c"])
    found = [record.seq for _ in range(3) for record in takewhile(bool, follower) if record]
    assert found == [1, 2, 3, 4, 5, 6]


def test_half_a_line_is_not_damage_but_not_yet(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b"])
    path = segments(tmp_path)[0]
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in range(len(lines[0] + lines[1]), len(whole)):
        path.write_bytes(whole[:cut])
        follower = JournalReader(tmp_path, decode).follow(2)
        assert [record.seq for record in takewhile(bool, follower) if record] == [2]
        path.write_bytes(whole)
        assert [record.seq for record in takewhile(bool, follower) if record] == [3]


def test_a_follower_goes_on_at_the_repair_after_the_journal_was_cut_below_it(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b", "c", "d"])
    follower = JournalReader(tmp_path, decode).follow()
    assert [record.seq for record in takewhile(bool, follower) if record] == [1, 2, 3, 4, 5]

    async def cut() -> None:
        journal = open_journal(tmp_path)
        journal.set_aside_from(3, "it does not fold")
        assert next(follower) is None
        appender = journal.appender(ORIGIN, state)
        appender.append(note("new"))
        await appender.close(PATIENCE)

    asyncio.run(cut())
    found = [record for record in takewhile(bool, follower) if record]
    assert [record.seq for record in found] == [3, 4]
    assert type(found[0].event).__name__ == "JournalRepaired"
    assert found[1].event == Noted(text="new")
