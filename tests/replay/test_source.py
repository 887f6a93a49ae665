"""A moment in a journal, and a search in it."""

from pathlib import Path

import pytest

from journal import NoJournal
from kglb.events import DaemonStopping, HealthChanged
from kglb.replay.errors import NothingRecordedError, OutOfRangeError
from kglb.replay.source import Source
from kglb.replay.times import Moment
from tests.projections.builders import real_id
from tests.replay.journals import Fleet, JournalBuilder


def moment(text: str) -> Moment:
    return Moment(text, text)


def test_without_a_wish_it_is_the_last_record(fleet: Fleet) -> None:
    assert Source(fleet.builder.directory).resolve(None, None) == fleet.builder.seq


def test_a_time_means_the_last_record_up_to_it(fleet: Fleet) -> None:
    last = fleet.builder.seq
    fleet.builder.passes(minutes=5)
    fleet.goes(real_id(0), up=False)
    assert Source(fleet.builder.directory).resolve(None, moment("2026-11-22T14:32:00.000000Z")) == last


def test_a_time_to_come_means_the_last_record(fleet: Fleet) -> None:
    assert Source(fleet.builder.directory).resolve(None, moment("2027-01-01T00:00:00.000000Z")) == fleet.builder.seq


@pytest.mark.parametrize("seq", [0, 999])
def test_a_number_that_is_not_there_is_refused_with_those_that_are(fleet: Fleet, seq: int) -> None:
    with pytest.raises(OutOfRangeError, match=rf"no record {seq}: .* holds records 1 to {fleet.builder.seq}"):
        Source(fleet.builder.directory).resolve(seq, None)


def test_a_time_before_the_first_record_is_refused_with_its_time(fleet: Fleet) -> None:
    with pytest.raises(OutOfRangeError, match="the first of 2026-11-22T14:30:00"):
        Source(fleet.builder.directory).resolve(None, moment("2026-11-22T14:00:00.000000Z"))


def test_an_empty_directory_has_nothing_recorded(tmp_path: Path) -> None:
    with pytest.raises(NothingRecordedError):
        Source(tmp_path).bounds()


def test_no_directory_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(NoJournal):
        Source(tmp_path / "nothing")


def test_one_segment_is_a_journal(fleet: Fleet) -> None:
    fleet.builder.rotate()
    fleet.goes(real_id(0), up=False)
    assert Source(fleet.builder.path).bounds() == range(fleet.builder.seq - 4, fleet.builder.seq + 1)


def test_a_look_at_the_bytes_finds_records_over_all_segments_newest_first(fleet: Fleet) -> None:
    fleet.builder.rotate()
    down = fleet.goes(real_id(0), up=False)
    source = Source(fleet.builder.directory)
    every = [record.seq for record in source.search_back(b"10.0.0.1:80", 1, fleet.builder.seq, HealthChanged)]
    assert every[0] == down["health"]
    assert len(every) == 2
    assert [record.seq for record in source.search_back(b"10.0.0.1:80", 1, down["health"] - 1, HealthChanged)] == every[
        1:
    ]
    last = source.last_with(b"10.0.0.1:80", every[1], down["health"], HealthChanged)
    assert last is not None
    assert last.seq == down["health"]
    assert source.last_with(b"10.0.0.1:80", 1, fleet.builder.seq, DaemonStopping) is None


def test_a_stretch_ends_where_it_was_told_to(fleet: Fleet) -> None:
    fleet.builder.rotate()
    between = Source(fleet.builder.directory).between(18, 20)
    assert [record.seq for record in between] == [18, 19, 20]


def test_a_record_that_retention_took_is_none(tmp_path: Path) -> None:
    JournalBuilder(tmp_path, first_seq=100)
    source = Source(tmp_path)
    assert source.record(5) is None
    assert source.record(101) is None
