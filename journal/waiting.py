"""Who waits until a record is written or synced: a heap of futures by record number. Used on the loop only."""

import asyncio
import heapq
import sys
from itertools import count


class Waiters:
    """Futures that become True once a number is reached, or False when waiting is given up.

    ``lowest`` is the lowest number that anyone waits for; the disk's thread reads it to know whether to wake
    the loop.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, asyncio.Future[bool]]] = []
        self._order = count()
        self.lowest = sys.maxsize

    def add(self, seq: int, loop: asyncio.AbstractEventLoop) -> asyncio.Future[bool]:
        """Wait for ``seq``. Release what is reached once more after this: it may have come meanwhile."""
        future: asyncio.Future[bool] = loop.create_future()
        heapq.heappush(self._heap, (seq, next(self._order), future))
        self.lowest = self._heap[0][0]
        return future

    def release(self, reached: int) -> None:
        """Everything up to ``reached`` is there."""
        while self._heap and self._heap[0][0] <= reached:
            settle(heapq.heappop(self._heap)[2], True)
        self.lowest = self._heap[0][0] if self._heap else sys.maxsize

    def give_up(self) -> None:
        """Nobody is to wait any longer."""
        for _, _, future in self._heap:
            settle(future, False)
        self._heap.clear()
        self.lowest = sys.maxsize


def settle(future: "asyncio.Future[bool]", reached: bool) -> None:
    """Set the result, unless the one who waited has gone."""
    if not future.done():
        future.set_result(reached)
