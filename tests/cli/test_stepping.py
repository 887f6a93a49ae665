"""Through an incident, record by record."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.cli.conftest import Command
from tests.projections.builders import real_id
from tests.replay.journals import Fleet

Step = Callable[..., list[str]]


@pytest.fixture
def step(kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Step:
    """What is shown for each thing typed; what is typed ends with the end of the input."""
    fleet.goes(real_id(0), up=False)

    def run(*typed: str, begin: int = 21) -> list[str]:
        answers: Iterator[str] = iter(typed)

        def read(prompt: str) -> str:
            print(prompt)
            try:
                return next(answers)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr("builtins.input", read)
        ran = kglb("replay", "--utc", fleet.builder.directory, "--step", "--seq", begin)
        assert ran.code == 0
        return [line.replace("2026-11-22 ", "") for line in ran.out.splitlines()[2:]]

    return run


def test_a_record_is_shown_with_what_it_changed(step: Step) -> None:
    assert step() == [
        "14:30:04.021      21  health   10.0.0.1:80 is down: 2 failures in a row, connection refused (run since 20)",
        "  ~ web tcp://192.168.100.10:80: alive 3 -> 2",
        "  ~ web 10.0.0.1:80: healthy yes -> no",
        "21> ",
        "",
    ]


def shown(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line[:2] == "14"]


def test_it_goes_on_back_and_anywhere(step: Step) -> None:
    assert shown(step("n", "", "p", "5", "p", "q", "n")) == [21, 22, 23, 22, 5, 4]


def test_at_the_ends_and_beyond_it_stays_where_it_is(step: Step) -> None:
    lines = step("23", "n", "1", "p", "24")
    assert shown(lines) == [21, 23, 1]
    assert lines.count("there is no such record") == 3


def test_with_a_filter_only_such_records_are_met(step: Step) -> None:
    assert shown(step("real=10.0.0.1:80 type=HealthChanged", "p", "n", "all", "n")) == [21, 9, 21, 22]


def test_what_is_not_understood_is_said_and_changes_nothing(step: Step) -> None:
    lines = step("type=Helth", "go", "n")
    assert any("did you mean HealthChanged?" in line for line in lines)
    assert shown(lines) == [21, 22]


def test_the_whole_state_is_there_for_the_asking(step: Step) -> None:
    assert "web  tcp://192.168.100.10:80 wrr  available, 3 of 3 up" in step("s", begin=19)


def test_it_works_on_a_terminal(fleet: Fleet) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "kglb.cli.main", "replay", "--step", str(fleet.builder.directory)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(ours, b"n\n3\nq\n")
        printed = b""
        try:
            while chunk := os.read(ours, 65536):
                printed += chunk
        except OSError:
            pass  # how a terminal says that the other side has gone
        assert process.wait() == 0
    os.close(ours)
    assert b"1> " in printed
    assert b"2> " in printed
    assert b"3> " in printed
    assert b"test is in force" in printed
