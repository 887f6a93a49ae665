"""What runs the committer: a daemon thread, and another for its syncs; or, in a simulation, the event loop itself.

What is submitted in one turn of the loop goes to the thread together, so that a chain of events that caused each other
is one write before the sync begins. Such a hand-over wakes the thread if it sleeps; what comes while it works is
taken together. A sync never keeps what follows it from being written.
Nothing here knows what an item means.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol

from journal.committer import Item
from journal.sync import Sync

Work = Item | Sync

Commit = Callable[[list[Work]], float | None]
"""Does the work; returns seconds to wait before it wants to be called again, or None."""


class Disk(Protocol):
    """Runs ``commit`` with what is submitted, in order, one call at a time; and, beside it, its syncs."""

    def start(self, commit: Commit) -> None:
        """Begin; called once, on the loop."""

    def submit(self, item: Item) -> None:
        """Queue an item; called on the loop, never blocks."""

    def beside(self, sync: Sync) -> None:
        """Run it without waiting for it; ``commit`` is given it once it is done. Called by ``commit``.

        It may be done already when this returns, and then need not be given.
        """

    async def stop(self, timeout: float) -> bool:
        """Commit what is queued once more and end with the last sync; False if that took longer than ``timeout``
        seconds.
        """


class DiskThread:
    """The production ``Disk``: daemon threads, so that a hung disk cannot keep the process from exiting."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[list[Work]] = SimpleQueue()
        self._to_sync: SimpleQueue[Sync | None] = SimpleQueue()
        self._syncs = 0  # that are not back yet
        self._of_this_turn: list[Work] = []
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._on_end: Callable[[], None] = lambda: None

    def start(self, commit: Commit) -> None:
        """Start the threads."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, args=(commit,), name="journal-disk", daemon=True).start()
        threading.Thread(target=self._run_syncs, name="journal-sync", daemon=True).start()

    def submit(self, item: Item) -> None:
        """Queue an item; the thread gets it when this turn of the loop is over."""
        if not self._of_this_turn:
            self._loop.call_soon(self._hand_over)
        self._of_this_turn.append(item)

    def _hand_over(self) -> None:
        if self._of_this_turn:
            self._queue.put(self._of_this_turn)
            self._of_this_turn = []

    def beside(self, sync: Sync) -> None:
        """Have the other thread run it."""
        self._syncs += 1
        self._to_sync.put(sync)

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
                delay = commit(self._next() + self._queued())
            else:
                self._stopping.wait(delay)
                delay = commit(self._queued())
        commit(self._queued())
        while self._syncs:
            commit(self._next())
        self._to_sync.put(None)
        self._ended.set()
        self._on_end()

    def _next(self) -> list[Work]:
        work = self._queue.get()
        self._syncs -= sum(isinstance(item, Sync) for item in work)
        return work

    def _queued(self) -> list[Work]:
        return [item for _ in range(self._queue.qsize()) for item in self._next()]

    def _run_syncs(self) -> None:
        while (sync := self._to_sync.get()) is not None:
            sync.run()
            self._queue.put([sync])


class InlineDisk:
    """A ``Disk`` without a thread, for simulations: commits on the loop, ``latency`` seconds later."""

    def __init__(self, loop: asyncio.AbstractEventLoop, latency: float = 0.0) -> None:
        self._loop = loop
        self._latency = latency
        self._queued: list[Work] = []
        self._next: asyncio.TimerHandle | None = None

    def start(self, commit: Commit) -> None:
        """Remember what to run."""
        self._commit = commit

    def submit(self, item: Item) -> None:
        """Queue an item, and see that it is committed."""
        self._queued.append(item)
        if self._next is None:
            self._next = self._loop.call_later(self._latency, self._run)

    def beside(self, sync: Sync) -> None:
        """Run it here and now."""
        sync.run()

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
