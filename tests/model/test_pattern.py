"""Patterns find what Python's find, in time that the text cannot stretch."""

import re
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.model.pattern import MOST_STEPS, Pattern, PatternError

ATOMS = st.sampled_from(
    [
        "a",
        "b",
        "ok",
        ".",
        r"\d",
        r"\w",
        r"\s",
        r"\.",
        "[ab]",
        "[^a]",
        r"\b",
        "^",
        "\u00e9",
        "(?:ab)",
        "(?i:A)",
        "(?s:.)",
    ]
)
PIECES = st.tuples(ATOMS, st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?"])).map(
    # An assertion is not repeated: in some versions of Python that is a mistake.
    lambda piece: piece[0] if piece[0] in ("^", r"\b") else "".join(piece)
)
SEQUENCES = st.lists(PIECES, min_size=1, max_size=5).map("".join)
PATTERNS = st.tuples(
    st.sampled_from(["", "(?i)", "(?s)", "(?m)"]),
    st.lists(SEQUENCES, min_size=1, max_size=3).map("|".join),
    st.sampled_from(["", "$"]),
).map(lambda parts: f"{parts[0]}(?:{parts[1]}){parts[2]}")
HEARD = st.one_of(
    st.text("abok19 .\n\u00e9A_", max_size=20).map(str.encode),
    st.binary(max_size=12),
)


@given(PATTERNS, HEARD)
def test_what_python_finds_is_found(pattern: str, heard: bytes) -> None:
    text = heard.decode("utf-8", "replace")
    # RE2's \d, \w, \s and \b are ASCII's, without the vertical tab among the blanks.
    if "\v" not in text and not (re.search(r"\(\?i", pattern) and not text.isascii()):
        assert Pattern(pattern).found_in(heard) == bool(
            re.search(pattern.replace(r"\w", "[a-zA-Z0-9_]"), text, re.ASCII)
        )


@pytest.mark.parametrize(
    ("pattern", "heard"),
    [
        ("ready$", b"220 ready\n"),
        (r"ready\r?\n$", b"220 ready\r\n"),
        ("^$", b"\n"),
        ("caf.$", b"caf\xe9"),
        ("(?i)\u00c9T\u00c9", "\u00e9t\u00e9".encode()),
        (r"^\w+\z", b"ok"),
        ("(?P<name>o)k", b"ok"),
    ],
)
def test_lines_bytes_and_cases_are_found(pattern: str, heard: bytes) -> None:
    assert Pattern(pattern).found_in(heard)


@pytest.mark.parametrize(
    ("pattern", "heard"), [("ready$", b"ready\n\n"), ("ready$", b"ready\r\n"), (r"^\w$", "\u00e9".encode())]
)
def test_what_is_not_there_is_not_found(pattern: str, heard: bytes) -> None:
    assert not Pattern(pattern).found_in(heard)


@pytest.mark.parametrize(
    ("pattern", "unit"),
    [
        (".*OK", b"a"),
        (r"\s+ok", b" "),
        ("status.*ok", b"status"),
        ("(a+)+$", b"a"),
        ("(x+x+)+y", b"x"),
        ("a[ab]{200}c", b"abbabaab"),
    ],
)
def test_eight_times_the_text_takes_eight_times_as_long_not_sixty_four(pattern: str, unit: bytes) -> None:
    searched = Pattern(pattern)

    def seconds(length: int) -> float:
        text = (unit * length)[:length] + b"."
        spent = []
        for _ in range(7):
            begun = time.thread_time()
            searched.found_in(text)
            spent.append(time.thread_time() - begun)
        return min(spent)

    assert seconds(8 * 64 * 1024) < 30 * seconds(64 * 1024)


@pytest.mark.parametrize(
    ("pattern", "error", "hint"),
    [
        ("(", "missing )", "its syntax"),
        ("*a", "no argument for repetition operator: *", "its syntax"),
        ("(?!busy)ok", "invalid perl operator: (?!", "cannot look ahead or behind"),
        ("(?<=a)ok", "invalid perl operator: (?<=", "cannot look ahead or behind"),
        (r"(a)\1", r"invalid escape sequence: \1", "write out what is repeated"),
        ("(?P<x>a)(?P=x)", "invalid perl operator: (?P", "write out what is repeated"),
        (r"ok\Z", r"invalid escape sequence: \Z", r"write \z"),
        (r"\u00e9", r"invalid escape sequence: \u", "the character itself"),
        ("a{1001}", "invalid repetition size: {1001}", "at most 1000 times"),
        ("[ab]{900}", f"pattern too large: 904 steps, and {MOST_STEPS} are the most", "write .* for"),
        ("ok{,3}", "{,3} repeats nothing", "write {0,3}"),
        ("(?x) ok", "invalid perl operator: (?x", "its syntax"),
        ("[\x1b-\x00]", r"invalid character class range: \x1b-\x00", "its syntax"),
        ("\udc80", "half of a surrogate pair", "its syntax"),
    ],
)
def test_what_re2_does_not_take_is_explained(pattern: str, error: str, hint: str) -> None:
    with pytest.raises(PatternError) as refused:
        Pattern(pattern)
    assert error in str(refused.value)
    assert hint in refused.value.hint


@pytest.mark.parametrize(("pattern", "heard"), [(r"ok\{,3}", b"ok{,3}"), ("a{0,3}ok", b"ok")])
def test_what_the_hint_offers_is_taken(pattern: str, heard: bytes) -> None:
    assert Pattern(pattern).found_in(heard)


def test_re2_is_imported_with_the_first_pattern() -> None:
    script = (
        "import sys\n"
        "import kglb.checks.make, kglb.config.load\n"
        "from kglb.model.pattern import Pattern\n"
        "assert 're2' not in sys.modules\n"
        "Pattern('ok')\n"
        "assert 're2' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
