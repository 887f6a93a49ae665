"""A moment in a journal, and a search in it."""

from pathlib import Path

import pytest

from journal import Damaged, NoJournal
from kglb.events import HealthChanged
from kglb.replay import Moment, NothingRecordedError, OutOfRangeError, Source
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


def test_a_search_gives_the_records_that_hold_a_text_over_all_segments(fleet: Fleet) -> None:
    fleet.builder.rotate()
    down = fleet.goes(real_id(0), up=False)
    source = Source(fleet.builder.directory)
    found = list(source.mentioning((b'"HealthChanged"',), 1, fleet.builder.seq))
    assert [type(record.event) for record in found] == [HealthChanged] * 4
    assert found[-1] == source.record(down["health"])


def test_a_search_verifies_what_it_skips(fleet: Fleet) -> None:
    text = fleet.builder.text()
    fleet.builder.path.write_bytes(text.replace(b'"streak":3', b'"streak":4', 1))
    with pytest.raises(Damaged):
        list(Source(fleet.builder.directory).mentioning((b"nowhere",), 1, fleet.builder.seq))


def test_a_record_that_retention_took_is_none(tmp_path: Path) -> None:
    JournalBuilder(tmp_path, first_seq=100)
    source = Source(tmp_path)
    assert source.record(5) is None
    assert source.record(101) is None
