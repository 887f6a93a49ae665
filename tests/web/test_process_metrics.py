import asyncio
import os
import resource
import time

from kglb.model.histogram import Histogram
from kglb.web.process_metrics import open_descriptors, process_families
from tests.web.builders import WELL, read, vitals


def test_the_process_shows_its_start_its_memory_and_its_time() -> None:
    before = time.process_time()
    found = read(process_families(WELL, 7))
    assert found.value("process_start_time_seconds") == WELL.start_time
    assert before <= (found.value("process_cpu_seconds_total") or 0) <= time.process_time()
    memory = found.value("process_resident_memory_bytes") or 0
    assert 1 << 20 < memory < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_descriptors_stand_beside_their_limit() -> None:
    found = read(process_families(WELL, 7))
    assert found.value("process_open_fds") == 7
    assert found.value("process_max_fds") == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_a_descriptor_more_is_counted() -> None:
    async def scenario() -> None:
        before = await open_descriptors()
        with open(os.devnull, "rb"):
            assert await open_descriptors() == before + 1

    asyncio.run(scenario())


def test_a_late_loop_shows() -> None:
    lag = Histogram()
    lag.observe(0.03)
    found = read(process_families(vitals(loop_lag=lag), 1))
    assert found.value("kglb_loop_lag_seconds_bucket", le="0.02") == 0
    assert found.value("kglb_loop_lag_seconds_bucket", le="0.05") == 1
