"""What one scrape of 10,000 reals costs, with counters as the kernel sends them: ``python -m bench.scrape``."""

import asyncio
import gc
import socket
import struct
import time
from collections.abc import Iterator
from itertools import pairwise

import uvloop

from kglb.checks.counts import CheckCounts
from kglb.dataplane.counters import DestinationCounters, ServiceCounters, Traffic
from kglb.dataplane.ipvs_counters import decode_counters
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.netlink import attribute
from kglb.dataplane.worker import Worker
from kglb.model import ServiceId
from kglb.web.answer import body_of
from kglb.web.doubts import Doubts
from kglb.web.status import Status
from kglb.web.traffic import TrafficReader
from tests.projections.builders import WEB, real_id
from tests.web.builders import vitals, web_fleet

REALS = 10_000
ROUNDS = 5


def answer(number: int) -> memoryview:
    """A destination as Linux 6 dumps it."""
    address, _, port = real_id(number).partition(":")
    u32 = b"".join(attribute(kind, struct.pack("=I", 1)) for kind in (3, 4, 5, 6, 7, 8, 9))
    totals = b"".join(attribute(kind, struct.pack("=Q", 1000 * kind)) for kind in range(1, 11))
    return memoryview(
        attribute(
            2,
            attribute(1, socket.inet_aton(address) + bytes(12))
            + attribute(2, struct.pack("!H", int(port)))
            + u32
            + attribute(13, b"\0")
            + attribute(14, b"\0\0")
            + attribute(15, b"\0\0")
            + attribute(11, struct.pack("=H", socket.AF_INET))
            + attribute(10, bytes(68))
            + attribute(12, totals),
        )
    )


class Machine(MemoryDataPlane):
    """Answers as the kernel would; the dump itself costs nothing here."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = [answer(number) for number in range(REALS)]

    def counters(self, service_id: ServiceId) -> ServiceCounters:
        """Undecoded, as they come."""
        return ServiceCounters(service_id, Traffic(), _Decoding(self.answers))


class _Decoding:
    def __init__(self, answers: list[memoryview]) -> None:
        self._answers = answers

    def __iter__(self) -> Iterator[DestinationCounters]:
        return map(decode_counters, self._answers)


async def main() -> None:
    """Scrape some times and print CPU time and the longest turn of the loop."""
    fleet = web_fleet(REALS)
    known = vitals(checked={(WEB, real_id(number)): CheckCounts(1.0) for number in range(REALS)}, now=5.0)
    reader = TrafficReader(Worker("kernel"), Machine(), Doubts(fleet.state.data_plane), clock=lambda: 0.0)
    turns: list[float] = []

    async def look() -> None:
        while True:
            turns.append(time.thread_time())  # of the loop alone: what else the machine does is not in it
            await asyncio.sleep(0)

    gc.freeze()
    for _ in range(ROUNDS):
        status = Status(fleet.state, lambda: known, reader.read)
        looking = asyncio.create_task(look())
        began = time.process_time()
        answer = await status.routes()["/metrics"]()
        cpu = time.process_time() - began
        looking.cancel()
        longest = max(later - earlier for earlier, later in pairwise(turns))
        turns.clear()
        text = b"".join(body_of(answer))
        print(f"{cpu * 1e3:.0f} ms of CPU, longest turn {longest * 1e3:.1f} ms, {len(text) / 1e6:.1f} MB")


if __name__ == "__main__":
    uvloop.run(main())
