"""When a target is asked again."""

from datetime import UTC, datetime

import pytest

from kglb.cli.notifying.backoff import FIRST, LONGEST, MOST_ASKED, pause, retry_after

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC).timestamp()


def test_pauses_grow_to_a_bound_and_are_spread() -> None:
    longest = [pause(attempts, 0.0, 1.0) for attempts in range(12)]
    assert longest[:3] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert longest == sorted(longest)
    assert longest[-1] == pause(10**9, 0.0, 1.0) == LONGEST
    assert pause(3, 0.0, 0.0) == longest[3] / 2


def test_nobody_comes_back_before_it_was_asked_for() -> None:
    assert pause(0, 30.0, 0.0) == 30.0
    assert pause(0, 30.0, 1.0) > 30.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 22 Nov 2026 14:30:30 GMT", 30.0),
        ("Sunday, 22-Nov-26 14:30:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 14:29:00 GMT", 0.0),
        ("Sun, 22 Nov 2036 14:30:00 GMT", MOST_ASKED),
        ("9" * 400, MOST_ASKED),
        ("soon", 0.0),
        ("-5", 0.0),
        ("", 0.0),
        ("Sun, 99 Nov 2026 14:30:30 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float) -> None:
    assert retry_after(header, NOW) == seconds
