"""What runs the committer: one daemon thread, or, in a simulation, the event loop itself.

What is submitted in one turn of the loop goes to the thread together, so that a chain of events that caused each other
is one write before the sync begins. Such a hand-over wakes the thread if it sleeps; what comes while it works is
taken together.
Nothing here knows what an item means.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

from journal.committer import Item

Commit = Callable[[list[Item]], float | None]
"""Does the work; returns seconds to wait before it wants to be called again, or None."""


class Disk(Protocol):
    """Runs ``commit`` with what is submitted, in order, one call at a time."""

    def start(self, commit: Commit) -> None:
        """Begin; called once, on the loop."""

    def submit(self, item: Item) -> None:
        """Queue an item; called on the loop, never blocks."""

    async def stop(self, timeout: float) -> bool:
        """Commit what is queued once more and end; False if that took longer than ``timeout`` seconds."""


class DiskThread:
    """The production ``Disk``: a daemon thread, so that a hung disk cannot keep the process from exiting."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[list[Item]] = SimpleQueue()
        self._of_this_turn: list[Item] = []
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._on_end: Callable[[], None] = lambda: None

    def start(self, commit: Commit) -> None:
        """Start the thread."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, args=(commit,), name="journal-disk", daemon=True).start()

    def submit(self, item: Item) -> None:
        """Queue an item; the thread gets it when this turn of the loop is over."""
        if not self._of_this_turn:
            self._loop.call_soon(self._hand_over)
        self._of_this_turn.append(item)

    def _hand_over(self) -> None:
        if self._of_this_turn:
            self._queue.put(self._of_this_turn)
            self._of_this_turn = []

    async def stop(self, timeout: float) -> bool:
        """Let the thread commit what is queued once more, and wait for its end without blocking the loop."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()

        def tell() -> None:
            loop.call_soon_threadsafe(ended.set)

        self._on_end = tell
        self._hand_over()
        self._stopping.set()
        self._queue.put([])
        if not self._ended.is_set():
            try:
                await asyncio.wait_for(ended.wait(), timeout)
            except TimeoutError:
                self._on_end = lambda: None
        return self._ended.is_set()

    def _run(self, commit: Commit) -> None:
        delay: float | None = None
        while not self._stopping.is_set():
            if delay is None:
                delay = commit(self._queue.get() + self._queued())
            else:
                self._stopping.wait(delay)
                delay = commit(self._queued())
        commit(self._queued())
        self._ended.set()
        self._on_end()

    def _queued(self) -> list[Item]:
        return [item for _ in range(self._queue.qsize()) for item in self._queue.get_nowait()]


class InlineDisk:
    """A ``Disk`` without a thread, for simulations: commits on the loop, ``latency`` seconds later."""

    def __init__(self, loop: asyncio.AbstractEventLoop, latency: float = 0.0) -> None:
        self._loop = loop
        self._latency = latency
        self._queued: list[Item] = []
        self._next: asyncio.TimerHandle | None = None

    def start(self, commit: Commit) -> None:
        """Remember what to run."""
        self._commit = commit

    def submit(self, item: Item) -> None:
        """Queue an item, and see that it is committed."""
        self._queued.append(item)
        if self._next is None:
            self._next = self._loop.call_later(self._latency, self._run)

    async def stop(self, timeout: float) -> bool:  # noqa: ARG002 - the protocol's; this one cannot hang
        """Commit what is queued at once."""
        if self._next is not None:
            self._next.cancel()
        self._run()
        return True

    def _run(self) -> None:
        items, self._queued, self._next = self._queued, [], None
        delay = self._commit(items)
        if delay is not None:
            self._next = self._loop.call_later(delay, self._run)
