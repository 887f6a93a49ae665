"""What the verbs that read a journal have in common."""

from kglb.cli.reading import Zone


def test_no_time_of_a_record_speaks_to_the_terminal() -> None:
    assert Zone(utc=True).show("\x1b]0;x\x07") == "\\x1b]0;x\\x07"
