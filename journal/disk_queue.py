"""The loop's side of the queue to the disk: how far things came, and who waits for that.

The disk's thread wakes the loop only if someone there waits, and never twice at a time. A disk is in trouble if it
fails, or if nothing comes back from it while something waits, also if it takes writes and syncs nothing. What to do
about that is the appender's business.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from journal.committer import Committer, Item, size_of
from journal.disk import Disk
from journal.waiting import Waiters, settle


class DiskQueue:
    """What is on its way through ``disk`` to ``committer``, whose ``published`` must be this queue's.

    ``on_progress`` is called on the loop when a waited-for record came through, when the disk failed or
    hangs, and, while
    ``degraded`` (which the owner sets), whenever anything moves.
    """

    def __init__(self, disk: Disk, hang_after: float, on_progress: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._disk = disk
        self._hang_after = hang_after
        self._on_progress = on_progress
        self._for_write, self._for_sync = Waiters(), Waiters()
        self._wake_pending = False
        self._watch: asyncio.TimerHandle | None = None
        self._submitted_seq = 0
        self._submitted_size = 0
        self._seen = (0, 0)
        self._hangs = False
        self.degraded = False

    def start(self, committer: Committer) -> None:
        """Begin; items may be submitted from now on."""
        self._committer = committer
        self._submitted_seq = committer.written_seq
        self._disk.start(committer.commit)

    def submit(self, item: Item, last_seq: int) -> None:
        """Hand over an item whose last record is ``last_seq``."""
        self._submitted_seq = last_seq
        self._submitted_size += size_of(item)
        self._disk.submit(item)
        if self._watch is None:
            self._watch_on()

    @property
    def pending_size(self) -> int:
        """The bytes handed over and neither written nor given up."""
        return self._submitted_size - self._committer.done_size

    @property
    def trouble(self) -> str:
        """Why records do not reach the disk; empty while they do."""
        if self._hangs and not self._committer.failure:
            return f"nothing came from the disk for {self._hang_after:g} s"
        return self._committer.failure

    async def wait_written(self, seq: int, timeout: float | None) -> bool:
        """Wait until the kernel has record ``seq``; False after the timeout, or once degraded."""
        return await self._wait(self._for_write, lambda: self._committer.written_seq, seq, timeout)

    async def wait_synced(self, seq: int, timeout: float | None) -> bool:
        """Wait until record ``seq`` is on the platter; False after the timeout, or once degraded."""
        return await self._wait(self._for_sync, lambda: self._committer.synced_seq, seq, timeout)

    def give_up_waiting(self) -> None:
        """Tell everyone who waits that it has not come so far."""
        self._for_write.give_up()
        self._for_sync.give_up()

    async def stop(self, timeout: float) -> bool:
        """Let the disk finish what it has and end; False if it did not within ``timeout`` seconds."""
        stopped = await self._disk.stop(timeout)
        if self._watch is not None:
            self._watch.cancel()
        self._release_waiters()
        return stopped

    def published(self) -> None:
        """For the committer, on the disk's thread: it came further, or failed, or recovered."""
        committer = self._committer
        if not self._wake_pending and (
            self.degraded
            or committer.failure
            or committer.written_seq >= self._for_write.lowest
            or committer.synced_seq >= self._for_sync.lowest
        ):
            self._wake_pending = True
            with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                self._loop.call_soon_threadsafe(self._progressed)

    def _progressed(self) -> None:
        self._wake_pending = False  # first: what is published from here on wakes again
        if self._committer.progress != self._seen:
            self._hangs = False
        self._release_waiters()
        self._on_progress()

    def _release_waiters(self) -> None:
        self._for_write.release(self._committer.written_seq)
        self._for_sync.release(self._committer.synced_seq)

    async def _wait(self, waiters: Waiters, reached: Callable[[], int], seq: int, timeout: float | None) -> bool:
        if reached() >= seq:
            return True
        if self.degraded:
            return False
        future = waiters.add(seq, self._loop)
        waiters.release(reached())  # it may have come meanwhile, when the thread saw nobody waiting
        timer = None if timeout is None else self._loop.call_later(timeout, settle, future, False)
        try:
            return await future
        finally:
            if timer is not None:
                timer.cancel()

    def _watch_on(self) -> None:
        self._seen = self._committer.progress
        self._watch = self._loop.call_later(self._hang_after, self._look)

    def _look(self) -> None:
        hung, self._hangs, self._watch = self._hangs, False, None
        if self._committer.synced_seq < self._submitted_seq:
            self._hangs = self._committer.progress == self._seen
            self._watch_on()
        if self._hangs != hung:
            self._on_progress()
