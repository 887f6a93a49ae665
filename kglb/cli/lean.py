"""Importing a library without what it would take along if it is there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(name: str) -> Iterator[None]:
    """To whoever imports within, this package is not installed; one that has been imported already stays."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # as the import system says "not to be found"
    try:
        yield
    finally:
        del sys.modules[name]
