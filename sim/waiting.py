"""No actor waits for another: on one loop the other could never answer, and on many a slow one would hold up all.

Whoever is asked gives a future; here it is one that nobody can wait for. Telling somebody to stop makes one, too, which
nobody looks at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from pykka import ThreadingFuture

from kglb.actors.runtime import LoopActor
from sim.violation import Violation


class Unawaited(ThreadingFuture[Any]):
    """An answer that must not be waited for."""

    def get(self, *, timeout: float | None = None) -> Any:
        """Raise Violation: who calls this waits."""
        raise Violation("an actor waits for another")


@contextmanager
def forbidden() -> Iterator[None]:
    """While this lasts, waiting for any actor raises Violation where it is done."""
    with patch.object(LoopActor, "_create_future", staticmethod(Unawaited)):
        yield
