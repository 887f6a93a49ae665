"""The whole journal is verified: bytes, numbers, events, checkpoints, and that it folds."""

from pathlib import Path

import pytest

from kglb.projections import State
from kglb.replay.fsck import fsck
from tests.replay.journals import Fleet, running


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return running(tmp_path / "journal")


def test_an_intact_journal_is_counted(fleet: Fleet) -> None:
    fleet.builder.rotate()
    checked = fsck(fleet.builder.directory)
    assert (checked.segments, checked.records, checked.checkpoints) == (2, fleet.builder.seq, 2)
    assert checked.faults == ()


def test_every_damaged_place_is_named(fleet: Fleet) -> None:
    first = fleet.builder.path
    fleet.builder.rotate()
    fleet.goes(next(iter(fleet.builder.state.fleet.balancers[fleet.id].reals)), up=False)
    for path, old in ((first, b'"DaemonStarted"'), (fleet.builder.path, b'"ProbeFlipped"')):
        path.write_bytes(path.read_bytes().replace(old, old.lower(), 1))
    checked = fsck(fleet.builder.directory)
    assert [(fault.file, fault.line) for fault in checked.faults] == [(first, 2), (fleet.builder.path, 2)]
    assert checked.records == fleet.builder.seq - 2


def test_a_record_that_does_not_fold_is_named_once(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fold = State.fold

    def fail(state: State, seq: int, event: object) -> None:
        if seq >= 9:
            raise KeyError("no such real")
        fold(state, seq, event)  # type: ignore[arg-type]

    monkeypatch.setattr(State, "fold", fail)
    (fault,) = fsck(fleet.builder.directory).faults
    assert (fault.line, fault.seq, fault.reason) == (9, 9, "it does not fold: KeyError('no such real')")


def test_a_checkpoint_that_is_not_understood_is_named(tmp_path: Path) -> None:
    fleet = running(tmp_path / "journal")
    path = fleet.builder.path
    fleet.builder.state.fleet.config_seq = "seven"  # type: ignore[assignment]
    seq = fleet.builder.rotate()
    (fault,) = fsck(path.parent).faults
    assert (fault.line, fault.seq) == (1, seq)
    assert "not understood: Expected `int`, got `str`" in fault.reason
