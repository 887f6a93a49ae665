"""Reads what IPVS has counted when somebody asks for metrics: on the kernel's thread, one service at a time.

So a change of a weight waits at most for one service to be read. The answers are decoded later, where the text is
made, in its slices. Whoever decodes them compares them with what is known (``doubts``).
"""

import asyncio
import time
from collections.abc import Callable, Iterable

from kglb.dataplane.counters import ServiceCounters
from kglb.dataplane.port import DataPlane
from kglb.dataplane.worker import Caller
from kglb.model import ServiceId
from kglb.web.doubts import Doubts

FRESH = 1.0
"""Seconds for which what was read is good enough: the kernel itself counts up only every 2 s."""

PATIENCE = 2.0
"""Seconds that all reading together may take; what has not come by then is missing."""


class TrafficReader:
    """Reads through ``worker``, where alone the machine may be called."""

    def __init__(
        self, worker: Caller, machine: DataPlane, doubts: Doubts, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._worker = worker
        self._machine = machine
        self._doubts = doubts
        self._clock = clock
        self._read: list[ServiceCounters] = []
        self._fresh_until = float("-inf")

    async def read(self, services: Iterable[ServiceId]) -> list[ServiceCounters]:
        """The counters of these services, at most FRESH old; without those that cannot be read."""
        wanted = frozenset(services)
        if self._clock() >= self._fresh_until:
            self._read = await self._ask(sorted(wanted))
            self._fresh_until = self._clock() + FRESH
        return [counters for counters in self._read if counters.id in wanted]

    async def _ask(self, services: Iterable[ServiceId]) -> list[ServiceCounters]:
        found: list[ServiceCounters] = []
        try:
            async with asyncio.timeout(PATIENCE):
                for id in services:
                    changes = self._doubts.changes(id)
                    counters = await self._worker.call(self._machine.counters, id)
                    if counters is None:
                        self._doubts.about(id, changes)
                    else:
                        found.append(self._doubts.compared(counters, changes))
        except (OSError, RuntimeError):  # TimeoutError is an OSError; a closed worker raises RuntimeError
            pass
        return found
