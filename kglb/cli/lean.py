"""Imports a library, but not the optional packages that it would import where they are installed."""

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
