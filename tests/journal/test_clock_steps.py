"""Where the wall clock stepped inside a segment."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from journal import OsFiles
from journal.clock_steps import MOST_RUNS, Run, steady_runs
from journal.format import encode_body, encode_line
from journal.segments import Seeker, Segment

Clocks = tuple[int, float]
"""What the wall clock and the monotonic one showed, in seconds."""


def write(path: Path, clocks: list[Clocks], rest: bytes = b"") -> None:
    chain = 0
    with path.open("wb") as file:
        for seq, (wall, mono) in enumerate(clocks, 1):
            at = f"2026-11-22T{wall // 3600:02}:{wall // 60 % 60:02}:{wall % 60:02}.000000Z".encode()
            line, chain = encode_line(encode_body(seq, at, mono, None, b'{"type":"Noted"}'), chain)
            file.write(line)
        file.write(rest)


@contextmanager
def seeking(path: Path) -> Iterator[Seeker]:
    files = OsFiles()
    fd = files.open_read(path)
    try:
        yield Seeker(files, fd, Segment(1, path))
    finally:
        files.close(fd)


def runs(path: Path) -> list[Run]:
    with seeking(path) as seeker:
        return list(steady_runs(seeker))


def seqs(path: Path) -> list[tuple[int, int]]:
    return [(run.first.seq, run.last.seq) for run in runs(path)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "segment.jsonl"


def test_without_a_step_there_is_one_run(path: Path) -> None:
    write(path, [(100 + second, second) for second in range(50)])
    assert seqs(path) == [(1, 50)]
    assert (runs(path)[0].start, runs(path)[0].end) == (0, path.stat().st_size)


def test_each_step_forth_or_back_and_each_boot_begins_a_run(path: Path) -> None:
    first = [(100 + second, float(second)) for second in range(10)]
    back = [(40 + second, 10.0 + second) for second in range(5)]
    forth = [(4000 + second, 15.0 + second) for second in range(7)]
    boot = [(4010 + second, 1.0 + second) for second in range(3)]
    write(path, first + back + forth + boot)
    assert seqs(path) == [(1, 10), (11, 15), (16, 22), (23, 25)]
    found = runs(path)
    assert [run.start for run in found[1:]] == [run.end for run in found[:-1]]


def test_a_clock_that_is_slewed_a_little_makes_no_run(path: Path) -> None:
    write(path, [(100 + second, second * 1.0005) for second in range(60)])
    assert seqs(path) == [(1, 60)]


def test_the_runs_are_bounded(path: Path) -> None:
    write(path, [(100 + 10 * second, 0.0) for second in range(3 * MOST_RUNS)])
    found = seqs(path)
    assert len(found) == MOST_RUNS
    assert found[-1] == (MOST_RUNS, 3 * MOST_RUNS)


@pytest.mark.parametrize("rest", [b'{"seq":4,"at":"20', b"no record\n", b"\0" * 100])
def test_what_is_torn_or_damaged_at_the_end_is_passed_over(path: Path, rest: bytes) -> None:
    write(path, [(100, 0.0), (101, 1.0), (50, 2.0)], rest)
    assert seqs(path) == [(1, 2), (3, 3)]


def test_nothing_whole_is_no_run(path: Path) -> None:
    write(path, [], b'{"seq":1,"at":"2026')
    assert runs(path) == []
