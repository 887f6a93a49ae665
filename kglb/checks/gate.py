"""A bound on how many probes are under way at once: a balancer's ``concurrency``. Does no I/O."""

from collections import OrderedDict
from typing import Generic, TypeVar

Guest = TypeVar("Guest")


class Gate(Generic[Guest]):
    """At most ``limit`` of its guests are under way at once; the others wait, first come first served."""

    __slots__ = ("_free", "_waiting")

    def __init__(self, limit: int) -> None:
        """Raises ValueError for a limit below 1: no gate at all is how one says unlimited."""
        if limit < 1:
            raise ValueError(f"a gate needs a limit of at least 1, found {limit}")
        self._free = limit
        self._waiting: OrderedDict[Guest, None] = OrderedDict()

    def enter(self, guest: Guest) -> bool:
        """Take a place, or stand in the queue and say False."""
        if self._free:
            self._free -= 1
            return True
        self._waiting[guest] = None
        return False

    def leave(self) -> Guest | None:
        """Give a place back: to the first in the queue, who is returned and holds it now, else to nobody."""
        if self._waiting:
            return self._waiting.popitem(last=False)[0]
        self._free += 1
        return None

    def forget(self, guest: Guest) -> None:
        """Take a guest out of the queue, if it stands there."""
        self._waiting.pop(guest, None)
