"""What every verb needs to speak: exit codes, errors in one shape, colour where there is somebody to see it.

Nothing here knows a verb. Importing it costs nothing, so that ``--help`` stays quick.
"""

import os
import select
import sys
from collections.abc import Iterable
from typing import TextIO

from kglb.cli.system_log import ERROR, WARNING, leads_to_journald, with_priority

EXIT_OK = 0
EXIT_NO = 1
EXIT_USAGE = 2
EXIT_ENVIRONMENT = 3
EXIT_INTERRUPTED = 130

_SGR = {"good": "32", "bad": "1;31", "warning": "33", "quiet": "2", "strong": "1"}


class Failed(Exception):  # noqa: N818 - it reads as what it is
    """A verb cannot do what was asked: its exit code, the problem (where, what), what to do."""

    def __init__(self, code: int, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.code = code
        self.problem = problem
        self.remedy = remedy


class Paint:
    """Colours text by its tone (``good``, ``bad``, ``warning``, ``quiet``, ``strong``), or leaves it alone."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled

    def __call__(self, text: str, tone: str) -> str:
        """The text in the colour of its tone; ``plain`` has none."""
        code = _SGR.get(tone) if self._enabled and text else None
        return text if code is None else f"\x1b[{code}m{text}\x1b[0m"


def paint_for(stream: TextIO) -> Paint:
    """Colour on a terminal, unless NO_COLOR is set and not empty (no-color.org) or the terminal is dumb."""
    unwanted = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Paint(enabled=stream.isatty() and not unwanted)


def complain(failed: Failed) -> None:
    """Print an error: every line of the problem, then what to do."""
    text = f"{paint_for(sys.stderr)('error:', 'bad')} {failed.problem}"
    _on_stderr(f"{text}\n  {failed.remedy}" if failed.remedy else text, ERROR)


def warn(texts: Iterable[str]) -> None:
    """Print warnings."""
    paint = paint_for(sys.stderr)
    for text in texts:
        _on_stderr(f"{paint('warning:', 'warning')} {text}", WARNING)


def _on_stderr(text: str, priority: int) -> None:
    print(with_priority(text, priority) if leads_to_journald(sys.stderr) else text, file=sys.stderr)


def put(text: str) -> None:
    """Print a line to stdout; characters that its encoding lacks are written as escapes."""
    try:
        print(text)
    except UnicodeEncodeError:
        print(text.encode("ascii", "backslashreplace").decode("ascii"))


def put_json(document: bytes) -> None:
    """Print a JSON document, which is UTF-8 whatever the locale; not to be mixed with ``put``."""
    sys.stdout.buffer.write(document + b"\n")


def abandon_stdout() -> bool:
    """After a broken pipe: if stdout has lost its reader, let what is buffered go nowhere, quietly; whether it has."""
    stdout = select.poll()
    stdout.register(sys.stdout, 0)
    if not stdout.poll(0):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
