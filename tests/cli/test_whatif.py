"""``whatif`` on the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.projections.builders import real_id
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
