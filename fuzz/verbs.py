"""Verbs of the command line in this process: what they print, and that they never raise."""

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import NamedTuple

from kglb.cli.main import main

READERS = (
    ("journal", "fsck"),
    ("journal", "stat"),
    ("replay",),
    ("verify",),
    ("whatif",),
    ("tail", "--journal"),
    ("report", "-o", "-"),
    ("explain", "10.0.0.1:80", "--journal"),
)
"""Verbs that read a journal, whose path goes behind."""


class Ran(NamedTuple):
    """The exit code, and all that was printed."""

    code: int
    output: str


def run(*arguments: str) -> Ran:
    """Run a verb; whatever it raises is a finding, and so is an exit code that it has no name for."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with redirect_stdout(printed), redirect_stderr(printed):
        code = main(arguments)
    assert code in (0, 1, 2, 3), code
    return Ran(code, printed.buffer.getvalue().decode())
