"""How full the journal's disk is: asked on a thread of its own, because a disk that hangs does not answer."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from kglb.dataplane.worker import Worker

INTERVAL = 10.0
"""Seconds between two looks."""


class DiskSpace:
    """``free`` and ``size`` in bytes, as last seen; None before that. ``free`` is what is there for who is not root."""

    def __init__(self, directory: Path) -> None:
        """Begin at once, on the running loop."""
        self.free: int | None = None
        self.size: int | None = None
        self._directory = directory
        self._worker = Worker("disk space")
        self._task = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        while True:
            with suppress(OSError):
                found = await self._worker.call(os.statvfs, self._directory)
                self.free, self.size = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
            await asyncio.sleep(INTERVAL)

    async def close(self) -> None:
        """Look no more; a look that hangs is not waited for."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._worker.close(0.1)
