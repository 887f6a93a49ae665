"""The state of the data plane at any moment."""

import json
from pathlib import Path

import pytest

from kglb.events import DaemonStopping
from tests.cli.conftest import Command
from tests.projections.builders import WEB, real_id
from tests.replay.journals import Fleet


@pytest.fixture
def undone(fleet: Fleet) -> Fleet:
    """A real is down, decided so, and the kernel does not have it yet."""
    health = fleet.judge(real_id(1), streak=-2, run=fleet.flip(real_id(1), "failure", detail="ECONNREFUSED"))
    fleet.decide("available", {real_id(1): 0}, health)
    fleet.builder.rotate()
    return fleet


def test_the_state_is_shown_with_its_differences(kglb: Command, undone: Fleet) -> None:
    ran = kglb("replay", "--utc", undone.builder.directory)
    assert ran.code == 0
    assert ran.out.splitlines()[0].endswith("14:30:03.023, from the checkpoint at record 23")
    assert ran.out.splitlines()[1:] == [
        "",
        "web  tcp://192.168.100.10:80 wrr  available, 2 of 3 up",
        "  10.0.0.1:80  weight 1000   up    since record 9, at least 3 passes in a row",
        "! 10.0.0.2:80  weight 0      down  since record 21, at least 2 failures in a row: connection refused"
        "  the kernel has weight 1000",
        "  10.0.0.3:80  weight 1000   up    since record 17, at least 3 passes in a row",
        "",
        "addresses",
        "  192.168.100.10/32 on lo",
        "",
        "to do, from what the kernel has to what it should have",
        "! tcp://192.168.100.10:80: 10.0.0.2:80 by masquerade, weight 0",
    ]


def test_an_earlier_moment_is_named_by_number_or_time(kglb: Command, undone: Fleet) -> None:
    by_seq = kglb("replay", undone.builder.directory, "--utc", "--seq", 11).out
    by_time = kglb("replay", undone.builder.directory, "--utc", "--until", "2026-11-22T14:30:01.011").out
    assert by_seq == by_time
    assert "available, 1 of 3 up" in by_seq


def test_one_segment_replays_alone(kglb: Command, undone: Fleet) -> None:
    whole = kglb("replay", undone.builder.directory)
    assert kglb("replay", undone.builder.path) == whole


def test_json_is_one_document(kglb: Command, undone: Fleet) -> None:
    seen = json.loads(kglb("replay", undone.builder.directory, "-o", "json").out)
    (service,) = seen["services"]
    assert (service["service"], service["balancer"], service["alive"], service["total"]) == (WEB, "web", 2, 3)
    real = next(real for real in service["reals"] if real["real"] == real_id(1))
    assert (real["weight"], real["kernel_weight"], real["healthy"], real["in_step"]) == (0, 1000, False, False)
    assert real["reason"] == "refused"
    assert seen["pending"] == [f"{WEB}: {real_id(1)} by masquerade, weight 0"]


def test_after_a_cleanup_what_is_left_is_not_wanted_any_more(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    before = kglb("replay", fleet.builder.directory).out
    assert "the daemon has stopped (cleanup)" in before
    assert f"! delete service {WEB}" in before
    assert before.count("not wanted any more") == 5
    fleet.apply()
    assert "to do" not in kglb("replay", fleet.builder.directory).out


def test_a_number_out_of_range_is_2(kglb: Command, fleet: Fleet) -> None:
    ran = kglb("replay", fleet.builder.directory, "--seq", 999)
    assert (ran.code, ran.out) == (2, "")
    assert f"there is no record 999: {fleet.builder.directory} holds records 1 to {fleet.builder.seq}" in ran.err


def test_an_empty_journal_is_1(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("replay", tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert "has no record yet" in ran.err


def test_a_file_that_is_no_segment_is_3(kglb: Command, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a journal\n")
    assert kglb("replay", path).code == 3


def test_a_journal_of_another_format_is_3(kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.format.FORMAT", 99)
    ran = kglb("replay", fleet.builder.directory)
    assert ran.code == 3
    assert "format 1" in ran.err


def test_a_journal_that_may_not_be_read_is_3(kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied", str(fleet.builder.path))

    monkeypatch.setattr("journal.files.OsFiles.open_read", refuse)
    ran = kglb("replay", fleet.builder.directory)
    assert ran.code == 3
    assert f"{fleet.builder.path}: Permission denied" in ran.err
    assert "root" in ran.err
