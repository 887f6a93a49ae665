"""All metrics together: what Prometheus says of them, and what 10,000 reals cost."""

import asyncio
import shutil
import subprocess
import time

import pytest

from kglb.checks.counts import CheckCounts
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.worker import InlineWorker
from kglb.model import AddDestination, AddService
from kglb.model.histogram import Histogram
from kglb.web.answer import body_of
from kglb.web.doubts import Doubts
from kglb.web.status import Status
from kglb.web.traffic import TrafficReader
from tests.projections.builders import WEB, real_id
from tests.web.builders import Fleet, vitals, web_fleet
from tests.web.conftest import Run

MANY = 10_000


def status_of(fleet: Fleet) -> Status:
    machine = MemoryDataPlane()
    for service in fleet.state.data_plane.actual.services.values():
        held = fleet.state.data_plane.actual.destinations[service.id].values()
        machine.apply([AddService(service), *(AddDestination(service.id, destination) for destination in held)])
    reals = fleet.state.fleet.balancers[WEB].reals
    known = vitals(
        checked={(WEB, real): CheckCounts(1.0) for real in reals}, probe_durations={"tcp": Histogram()}, now=5.0
    )
    traffic = TrafficReader(InlineWorker(), machine, Doubts(fleet.state.data_plane))
    return Status(fleet.state, lambda: known, traffic.read)


async def scrape(status: Status) -> str:
    return b"".join(body_of(await status.routes()["/metrics"]())).decode()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian's package prometheus)")
def test_promtool_finds_nothing_wrong(run: Run) -> None:
    async def scenario() -> None:
        text = await scrape(status_of(web_fleet(3)))
        command = ["promtool", "check", "metrics"]
        checked = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")

    run(scenario())


def test_ten_thousand_reals_take_little_and_leave_the_loop_its_turns(run: Run) -> None:
    async def scenario() -> None:
        status = status_of(web_fleet(MANY))
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        began = time.process_time()
        counting = asyncio.create_task(count_turns())
        text = await scrape(status)
        counting.cancel()
        assert time.process_time() - began < 3.0  # 0.15 to 0.2 s on the machine of docs/metrics.md
        assert turns > 30
        assert text.count("\n") > 14 * MANY
        assert f'remote_address="{real_id(MANY - 1).partition(":")[0]}"' in text

    run(scenario())
