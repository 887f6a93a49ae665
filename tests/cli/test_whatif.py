"""``whatif`` on the command line."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from kglb.replay.source import Source
from kglb.replay.times import read_record_time, record_time
from tests.cli.conftest import Command, Ran
from tests.projections.builders import real_id, started
from tests.replay.journals import Fleet

A = real_id(0)


@pytest.fixture
def journal(fleet: Fleet) -> Path:
    """One real fails once, for ten seconds."""
    fleet.goes(A, up=False)
    fleet.builder.passes(seconds=10)
    fleet.goes(A, up=True)
    return fleet.builder.directory


def test_both_sides_stand_beside_each_other(kglb: Command, journal: Path) -> None:
    ran = kglb("whatif", "--utc", "--set", "balancer.web.check.fall=50", journal)
    assert ran.code == 0
    assert "if balancer.web.check.fall=50" in ran.out
    rows = {tuple(line.split()) for line in ran.out.splitlines()}
    assert any(row[:1] == ("transitions",) and row[1] > row[2] for row in rows)
    assert any(row[:2] == (A, "out") for row in rows)
    assert any(row[:1] == ("recorded",) and A in row and "down" in row for row in rows)


def test_without_settings_nothing_differs_and_nothing_is_estimated(kglb: Command, tmp_path: Path, fleet: Fleet) -> None:
    ran = kglb("whatif", fleet.builder.directory)
    assert "if nothing were different" in ran.out


def out(ran: Ran) -> tuple[float, float]:
    """For how many seconds A was out, and would have been."""
    row = next(line.split() for line in ran.out.splitlines() if line.split()[:2] == [A, "out"])
    return float(row[2]), float(row[4])


def test_a_stretch_goes_on_to_its_end_though_nothing_was_recorded(kglb: Command, fleet: Fleet) -> None:
    down = fleet.goes(A, up=False)["health"]
    at = Source(fleet.builder.directory).record(down)
    assert at is not None
    fleet.builder.passes(minutes=10)
    fleet.goes(A, up=True)
    until = record_time(read_record_time(at.at) + timedelta(minutes=5))
    ran = kglb("whatif", "--set", "balancer.web.check.fall=5", "--until", until, fleet.builder.directory)
    recorded, supposed = out(ran)
    assert 299 < recorded < 301
    assert 240 < supposed < recorded
    assert "supposed  ~" in ran.out


def test_of_a_journal_that_is_written_what_failed_last_fails_until_now(
    kglb: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.goes(A, up=False)
    arguments = ("whatif", "--set", "balancer.web.check.fall=5", fleet.builder.directory)
    monkeypatch.setattr("kglb.cli.ongoing.record_time", lambda _: record_time(fleet.builder.now + timedelta(hours=1)))
    assert out(kglb(*arguments))[0] < 1
    monkeypatch.setattr("kglb.cli.ongoing.writer_of", lambda _: 1)
    recorded, supposed = out(kglb(*arguments))
    assert 3590 < supposed < recorded < 3601


def test_nobody_failed_while_no_daemon_ran(kglb: Command, fleet: Fleet) -> None:
    fleet.goes(A, up=False)
    until = record_time(fleet.builder.now + timedelta(minutes=5))
    fleet.builder.passes(minutes=10)
    fleet.builder.record(started())
    ran = kglb("whatif", "--set", "balancer.web.check.fall=5", "--until", until, fleet.builder.directory)
    assert out(ran)[0] < 1


def test_json_has_every_transition(kglb: Command, journal: Path) -> None:
    ran = kglb("whatif", "-o", "json", "--set", "balancer.web.check.fall=50", journal)
    found = json.loads(ran.out)
    assert found["settings"] == ["balancer.web.check.fall=50"]
    assert {"recorded", "supposed", "estimated", "at", "seq"} <= found["transitions"][0].keys()


@pytest.mark.parametrize(
    "setting", ["balancer.web.check.fal=5", "balancer.web.check.path=/x", "balancer.nope.check.fall=5"]
)
def test_a_setting_that_cannot_be_is_a_usage_error(kglb: Command, journal: Path, setting: str) -> None:
    ran = kglb("whatif", "--set", setting, journal)
    assert ran.code == 2
    assert ran.err.startswith(f"error: {setting}")


def test_a_stretch_without_records_is_a_usage_error(kglb: Command, journal: Path) -> None:
    ran = kglb("whatif", "--since", "2099-01-01", journal)
    assert ran.code == 2
    assert "nothing was recorded then" in ran.err
