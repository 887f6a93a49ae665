"""Colour only where somebody sees it, and wants it."""

import io

import pytest

from kglb.cli.output import Paint, paint_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_a_terminal_gets_colour() -> None:
    assert paint_for(Terminal())("down", "bad") == "\x1b[1;31mdown\x1b[0m"


def test_a_file_gets_none() -> None:
    assert paint_for(io.StringIO())("down", "bad") == "down"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_that_does_not_want_it_gets_none(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert paint_for(Terminal())("down", "bad") == "down"


def test_an_empty_no_color_is_no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    assert paint_for(Terminal())("down", "bad") != "down"


def test_plain_text_and_no_text_stay_as_they_are() -> None:
    paint = Paint(enabled=True)
    assert paint("text", "plain") == "text"
    assert paint("", "bad") == ""
