"""Decisions that must come soon: which are due, and which have not come in time.

A daemon decides within one turn of its loop. But it may be stopped in the middle of one, for any time: so a decision is
missing only if the daemon recorded other things twice since, ``PATIENCE`` apart.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

PATIENCE = 10.0
"""Seconds by the journal's monotonic clock."""

K = TypeVar("K", bound=Hashable)


class Overdue(Generic[K]):
    """What is due, oldest first."""

    def __init__(self) -> None:
        self._due: dict[K, tuple[float, bool]] = {}

    def expect(self, key: K, mono: float) -> None:
        """A decision is due, unless it was already."""
        self._due.setdefault(key, (mono, False))

    def postpone(self, key: K, mono: float) -> None:
        """It cannot come before ``mono``."""
        self._due.pop(key, None)
        self._due[key] = (mono, False)

    def met(self, key: K) -> None:
        """It came, or is not due any more."""
        self._due.pop(key, None)

    def missed(self, mono: float) -> K | None:
        """Something that should have come by now; it is asked for once."""
        while self._due:
            key, (since, warned) = next(iter(self._due.items()))
            if mono - since <= PATIENCE:
                return None
            del self._due[key]
            if warned:
                return key
            self._due[key] = (mono, True)
        return None

    def clear(self) -> None:
        """Nothing is due any more."""
        self._due.clear()
