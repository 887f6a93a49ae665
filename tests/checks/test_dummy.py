"""The check that always passes."""

import time

from kglb.model import DummyCheck, Endpoint
from tests.checks.asking import Answers, Run, ask, many, probing

NOWHERE = Endpoint("192.0.2.1", 9)


def test_passes_without_touching_the_real(run: Run) -> None:
    [outcome] = run(ask(DummyCheck(), NOWHERE))
    assert (outcome.status, outcome.reason) == ("success", "ok")


def test_five_thousand_cost_little(run: Run) -> None:
    async def scenario() -> float:
        answers = Answers()
        async with probing() as prober:
            many(prober, DummyCheck(), NOWHERE, 5000, answers)
            begin = time.process_time()
            await answers.first(5000)
        return time.process_time() - begin

    assert run(scenario()) < 3.0
