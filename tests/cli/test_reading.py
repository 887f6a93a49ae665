"""Times, as the verbs that read a journal take and show them: what is still to come is answered, and said to be."""

from datetime import UTC, datetime

import pytest

from kglb.cli.reading import Zone

AFTER_MIDNIGHT = Zone(utc=True, now=datetime(2026, 11, 23, 1, 26, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("23:50", "warning: 23:50 is still to come; yesterday's is 2026-11-22T23:50\n"),
        ("2027-01-01", "warning: 2027-01-01 is still to come\n"),
        ("01:26", ""),
        ("now", ""),
        ("-5m", ""),
        ("2026-11-22T23:50", ""),
    ],
)
def test_a_time_that_is_to_have_been_and_has_not_is_warned_of(
    text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert AFTER_MIDNIGHT.past(text) == AFTER_MIDNIGHT.moment(text)
    assert capsys.readouterr().err == said


def test_without_a_time_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert AFTER_MIDNIGHT.past(None) is None
    assert capsys.readouterr().err == ""


def test_no_time_of_a_record_speaks_to_the_terminal() -> None:
    assert Zone(utc=True).show("\x1b]0;x\x07") == "\\x1b]0;x\\x07"
