"""How many connections each real has, as IPVS counts them: read when somebody asks for the state."""

import asyncio
from collections.abc import Iterable

from kglb.model import RealId, ServiceId
from kglb.web.status import ReadCounters

_SLICE = 50  # destinations decoded between two turns of the loop: less than a millisecond

Counts = tuple[int | None, int | None]
"""Established connections, and those in other states."""


class Connections:
    """Of the reals that were there when it was read last."""

    def __init__(self, read_counters: ReadCounters) -> None:
        self._read_counters = read_counters
        self._counts: dict[tuple[ServiceId, RealId], Counts] = {}

    async def read(self, services: Iterable[ServiceId]) -> None:
        """Ask IPVS about these services; one that cannot be read has no counts."""
        counts: dict[tuple[ServiceId, RealId], Counts] = {}
        for counters in await self._read_counters(services):
            for held in counters.destinations:
                counts[counters.id, held.real] = (held.active, held.inactive)
                if len(counts) % _SLICE == 0:
                    await asyncio.sleep(0)
        self._counts = counts

    def of(self, service: ServiceId, real: RealId) -> Counts:
        """The connections of a real, None where they are not known."""
        return self._counts.get((service, real), (None, None))
