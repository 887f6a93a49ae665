"""The pages as a client sees them, over a real socket."""

import time

import httpx

from kglb.events import OperationFailed, RealRemoved
from kglb.model import ChangeDestination
from kglb.web.server import StatusServer
from kglb.web.status import Status
from kglb.web.vitals import Vitals
from tests.patience import PATIENCE
from tests.projections.builders import WEB, real_id
from tests.web.builders import WELL, Fleet, Reading, destination, vitals, web_fleet
from tests.web.conftest import Run


async def ask(status: Status, path: str) -> httpx.Response:
    server = StatusServer(status.routes())
    where = await server.start("127.0.0.1:0")
    try:
        async with httpx.AsyncClient() as client:
            return await client.get(f"http://{where}{path}")
    finally:
        await server.close()


def status_of(fleet: Fleet, state: Vitals = WELL) -> Status:
    status = Status(fleet.state, lambda: state)
    for event in fleet.events:
        status.note(event)
    return status


def test_stats_and_metrics_are_the_same_prometheus_text(run: Run) -> None:
    async def scenario() -> None:
        status = status_of(web_fleet(3))
        for path in ("/stats", "/metrics"):
            answer = await ask(status, path)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
            found = Reading(answer.text)
            assert found.value("kglb_balancer_reals", balancer="web", service=WEB) == 3
            assert found.value("kglb_events_total", type="RealAdded") == 3

    run(scenario())


def test_no_series_comes_twice_and_every_family_has_its_help() -> None:
    status = status_of(web_fleet(3))
    families = list(status.families())
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    assert all(family.help.endswith(".") for family in families)
    assert all((family.kind == "counter") == family.name.endswith("_total") for family in families)


def test_the_next_reading_knows_nothing_of_a_real_that_is_gone(run: Run) -> None:
    async def scenario() -> None:
        fleet = web_fleet(2)
        status = status_of(fleet)
        assert real_id(1) in (await ask(status, "/stats")).text
        fleet.record(RealRemoved(service=WEB, real=real_id(1), host=real_id(1)))
        status.note(fleet.events[-1])
        before = time.monotonic()
        while real_id(1) in (await ask(status, "/stats")).text:
            assert time.monotonic() - before < PATIENCE

    run(scenario())


def test_healthz_is_ok_or_says_why_not(run: Run) -> None:
    async def scenario() -> None:
        answer = await ask(status_of(web_fleet()), "/healthz")
        assert (answer.status_code, answer.text) == (200, "ok\n")

        fleet = web_fleet()
        fleet.decide(WEB, "available", {real_id(0): 0})
        change = ChangeDestination(WEB, destination(0, 0))
        fleet.record(OperationFailed(operation=change, errno=1, error="Operation not permitted"))
        answer = await ask(status_of(fleet, vitals(journal_degraded="disk full")), "/healthz")
        assert answer.status_code == 503
        assert answer.text.splitlines() == [
            "the journal is degraded: disk full",
            f"refused: {WEB}: {real_id(0)} by masquerade, weight 0: Operation not permitted",
        ]

    run(scenario())


def test_ten_thousand_reals_take_little_time() -> None:
    status = status_of(web_fleet(10_000))
    families = status.families()
    began = time.process_time()
    lines = sum(1 for family in families for _ in family.samples)
    assert lines > 30_000
    assert time.process_time() - began < 1.5
