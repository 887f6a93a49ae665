"""Retention: whole sealed segments, oldest first, never the newest checkpoint."""

import asyncio
from pathlib import Path

from journal import Clock, Retention
from tests.journal.journals import note, segments, state, texts, writing
from tests.patience import PATIENCE


def write_with(directory: Path, retention: Retention, *, seconds: list[int]) -> list[str]:
    """One segment a time given, each with a kilobyte; the names left."""
    now = [seconds[0] * 10**9]

    async def run() -> None:
        async with writing(directory, retention=retention, clock=Clock(lambda: now[0], lambda: 0.0)) as appender:
            for number, second in enumerate(seconds):
                now[0] = second * 10**9
                if number:
                    appender.rotate(state())
                appender.append(note("x" * 1000))

    asyncio.run(run())
    return [path.stem.lstrip("0") for path in segments(directory)]


def test_without_bounds_everything_is_kept(tmp_path: Path) -> None:
    assert write_with(tmp_path, Retention(max_size=0), seconds=[1, 2, 3, 4]) == ["1", "3", "5", "7"]


def test_the_oldest_go_when_all_are_too_large(tmp_path: Path) -> None:
    assert write_with(tmp_path, Retention(max_size=3500), seconds=[1, 2, 3, 4, 5]) == ["5", "7", "9"]


def test_the_newest_stays_whatever_the_bound(tmp_path: Path) -> None:
    assert write_with(tmp_path, Retention(max_size=1), seconds=[1, 2, 3]) == ["5"]
    assert len(texts(tmp_path)) == 1


def test_a_segment_goes_when_it_was_sealed_too_long_ago(tmp_path: Path) -> None:
    assert write_with(tmp_path, Retention(max_age=60), seconds=[1000, 1010, 1050, 1090]) == ["3", "5", "7"]


def test_a_clock_that_stepped_back_removes_nothing(tmp_path: Path) -> None:
    assert write_with(tmp_path, Retention(max_age=60), seconds=[9000, 9010, 5000]) == ["1", "3", "5"]


def test_a_segment_whose_time_is_damaged_stops_neither_retention_nor_writing(tmp_path: Path) -> None:
    write_with(tmp_path, Retention(), seconds=[1000, 1010, 1020])
    damaged = segments(tmp_path)[1]
    damaged.write_bytes(damaged.read_bytes().replace(b'"at":"19', b'"at":"\xff9', 1))

    async def run() -> None:
        async with writing(tmp_path, retention=Retention(max_age=60)) as appender:
            appender.rotate(state())
            assert await appender.wait_synced(appender.append(note("on")), PATIENCE)

    asyncio.run(run())
    assert damaged not in segments(tmp_path)


def test_other_files_are_not_counted_nor_removed(tmp_path: Path) -> None:
    other = tmp_path / "00000000000000000001.jsonl.broken"
    other.write_bytes(b"x" * 9000)
    assert write_with(tmp_path, Retention(max_size=3500), seconds=[1, 2]) == ["1", "3"]
    assert other.exists()
