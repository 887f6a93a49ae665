"""What people call a time."""

from datetime import UTC, datetime

import pytest

from kglb.model.endpoint import MalformedError
from kglb.replay.errors import UnclearTimeError
from kglb.replay.times import parse_moment, read_record_time
from kglb.replay.words import utc

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("now", "2026-11-22T14:30:00.000000Z"),
        ("today", "2026-11-22T00:00:00.000000Z"),
        ("Yesterday", "2026-11-21T00:00:00.000000Z"),
        ("-5m", "2026-11-22T14:25:00.000000Z"),
        ("-1h30m", "2026-11-22T13:00:00.000000Z"),
        ("10 min ago", "2026-11-22T14:20:00.000000Z"),
        ("2 hours ago", "2026-11-22T12:30:00.000000Z"),
        ("1 day 2 hours ago", "2026-11-21T12:30:00.000000Z"),
        ("13:05", "2026-11-22T13:05:00.000000Z"),
        ("9:05", "2026-11-22T09:05:00.000000Z"),
        ("13:05:07.25", "2026-11-22T13:05:07.250000Z"),
        ("2026-11-20", "2026-11-20T00:00:00.000000Z"),
        ("2026-11-20 13:05", "2026-11-20T13:05:00.000000Z"),
        ("2026-11-20T13:05:07Z", "2026-11-20T13:05:07.000000Z"),
        ("2026-11-20T13:05:07+02:00", "2026-11-20T11:05:07.000000Z"),
    ],
)
def test_a_time_is_understood(text: str, first: str) -> None:
    assert parse_moment(text, NOW).first == first


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("14:30:01", "2026-11-22T14:30:01.999999Z"),
        ("14:30:01.123", "2026-11-22T14:30:01.123999Z"),
        ("14:30:01.123456", "2026-11-22T14:30:01.123456Z"),
        ("14:30", "2026-11-22T14:30:00.000000Z"),
        ("today", "2026-11-22T00:00:00.000000Z"),
    ],
)
def test_a_time_with_seconds_includes_what_begins_with_the_same_digits(text: str, last: str) -> None:
    assert parse_moment(text, NOW).last == last


@pytest.mark.parametrize("text", ["", "soon", "25:00", "14:3", "-5", "-", "ago", "5 parsecs ago", "2026-13-01", "1042"])
def test_anything_else_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(UnclearTimeError, match="expected 2026-11-22T14:30:01"):
        parse_moment(text, NOW)


def test_a_span_longer_than_history_is_refused() -> None:
    with pytest.raises(UnclearTimeError):
        parse_moment("-999999999w", NOW)


@pytest.mark.parametrize("at", ["", "noon", "2026-11-20", "\x1b]0;x\x07", "9" * 27])
def test_what_is_no_time_of_a_record_is_said(at: str) -> None:
    with pytest.raises(MalformedError, match="expected the time of a record"):
        read_record_time(at)


def test_a_time_beyond_all_years_is_shown_all_the_same() -> None:
    assert [utc(1e300), utc(-1e300), utc(0)] == ["1e+300 s after 1970", "-1e+300 s after 1970", "1970-01-01T00:00:00Z"]
