"""Metrics of the process: memory, time, descriptors, and how late its event loop is.

They have the names all Prometheus clients give them.
"""

import asyncio
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from kglb.web.exposition import Family, counter, gauge, histogram, single
from kglb.web.vitals import Vitals

_DESCRIPTORS = "/proc/self/fd"


async def open_descriptors() -> int:
    """How many descriptors are open. Linux 6.2 has the number; before, counting 10,000 takes a thread 20 ms."""
    return os.stat(_DESCRIPTORS).st_size or len(await asyncio.to_thread(os.listdir, _DESCRIPTORS)) - 1


def process_families(vitals: Vitals, descriptors: int) -> Iterator[Family]:
    """All metrics of the process."""
    resident_pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    yield gauge("process_start_time_seconds", "When the process started, in Unix time.", single(vitals.start_time))
    yield counter("process_cpu_seconds_total", "CPU time taken, by user and system.", single(time.process_time()))
    yield gauge("process_resident_memory_bytes", "Memory held.", single(resident_pages * resource.getpagesize()))
    yield gauge("process_open_fds", "Open descriptors.", single(descriptors))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield gauge("process_max_fds", "Descriptors that may be open at once.", single(soft))
    yield histogram("kglb_loop_lag_seconds", "By how much the event loop's timers were late.", vitals.loop_lag)
