"""A stretch as one file: it verifies and replays alone, with the same numbers, times and states."""

from pathlib import Path

import pytest

from journal import SegmentOpened
from kglb.replay.anonymise import Anonymiser
from kglb.replay.export import export
from kglb.replay.fsck import fsck
from kglb.replay.source import Found, Source
from kglb.replay.state_at import state_at
from tests.replay.journals import Fleet, running


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Three reals up, a new segment, one down, another segment, up again."""
    fleet: Fleet = running(tmp_path / "journal")
    real = next(iter(fleet.builder.state.fleet.balancers[fleet.id].reals))
    for up in (False, True):
        fleet.builder.rotate()
        fleet.goes(real, up=up)
    return Source(fleet.builder.directory)


def stripped(record: Found) -> tuple[object, ...]:
    return (record.seq, record.at, record.mono, record.cause, record.event)


def stored(source: Source, seq: int) -> bytes:
    return b"".join(state_at(source, seq).state.checkpoint())


@pytest.mark.parametrize(("first", "last"), [(1, 99), (10, 20), (2, 2), (22, 30), (30, 30)])
def test_an_export_is_intact_and_leads_to_the_same_states(
    source: Source, tmp_path: Path, first: int, last: int
) -> None:
    target = tmp_path / "incident.jsonl"
    written = export(source, first, last, target)
    assert fsck(target).faults == ()
    exported = Source(target)
    assert list(exported.bounds()) == list(written)
    for seq in written:
        assert stored(exported, seq) == stored(source, seq)
    opened, *records = exported.reader.records()
    assert isinstance(opened.event, SegmentOpened)
    assert [stripped(record) for record in records] == [
        stripped(record) for record in source.between(written[0] + 1, last)
    ]


def test_an_anonymised_export_leads_to_the_same_states_under_other_names(source: Source, tmp_path: Path) -> None:
    target, names = tmp_path / "incident.jsonl", Anonymiser(b"key")
    written = export(source, 10, 99, target, names)
    assert fsck(target).faults == ()
    for seq in (written[0], written[-1]):
        expected = b"".join(names.state(state_at(source, seq).state).checkpoint())
        assert stored(Source(target), seq) == expected
    text = target.read_text()
    assert [name for name in ("192.168.100.10", "10.0.0.", "web", '"director"', "ECONNREFUSED") if name in text] == []


def test_nothing_is_left_of_an_export_that_fails(source: Source, tmp_path: Path) -> None:
    class Failing(Anonymiser):
        def event(self, event: object) -> object:  # type: ignore[override]
            raise RuntimeError("no name")

    with pytest.raises(RuntimeError):
        export(source, 10, 20, tmp_path / "incident.jsonl", Failing())
    assert {path.name for path in tmp_path.iterdir()} == {"journal"}
