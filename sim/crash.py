"""An actor that crashes on purpose: what tells it from one that crashes by itself, and what is recorded of it."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from unittest.mock import patch

CRASH = "crashed on purpose"
"""The message of what is raised to crash an actor."""


@contextmanager
def without_places() -> Iterator[None]:
    """While this lasts, a crash on purpose is recorded without the lines of code that it went through.

    They name files and lines, so that a seed would do something else in another directory, or after any edit.
    """
    format_exception = traceback.format_exception

    def told(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> list[str]:
        return [f"{CRASH}\n"] if CRASH in str(error) else format_exception(kind, error, trace)

    with patch.object(traceback, "format_exception", told):
        yield
