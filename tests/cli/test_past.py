from datetime import timedelta
from pathlib import Path

import pytest

from kglb.cli import past
from kglb.cli.past import recorded_before
from tests.projections.builders import real_id
from tests.replay.journals import Fleet, running


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return running(tmp_path / "journal")


def test_the_records_of_the_last_hour_come_oldest_first(fleet: Fleet) -> None:
    fleet.builder.passes(hours=3)
    first = fleet.builder.seq + 1
    fleet.goes(real_id(0), up=False)
    found = recorded_before(fleet.builder.directory, fleet.builder.now + timedelta(minutes=1))
    assert [record.seq for record in found] == list(range(first, fleet.builder.seq + 1))
    assert found[-1].at == pytest.approx(fleet.builder.now.timestamp())
    assert found[1].cause == first


def test_of_many_the_newest_are_read(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MOST", 4)
    found = recorded_before(fleet.builder.directory, fleet.builder.now)
    assert [record.seq for record in found] == list(range(fleet.builder.seq - 3, fleet.builder.seq + 1))


def test_a_journal_that_cannot_be_read_has_no_past(fleet: Fleet, tmp_path: Path) -> None:
    assert recorded_before(tmp_path / "nowhere") == []
    text = fleet.builder.path.read_bytes()
    fleet.builder.path.write_bytes(text.replace(b"HealthChanged", b"HealthChangeD"))
    assert recorded_before(fleet.builder.directory, fleet.builder.now) == []
