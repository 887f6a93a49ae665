"""Every test of the server runs on both loops, and fails if anything reaches the loop's exception handler."""

import asyncio
from collections.abc import Callable, Coroutine

import pytest
import uvloop

from tests.patience import PATIENCE

Run = Callable[[Coroutine[object, object, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine to its end."""

    def on_loop(work: Coroutine[object, object, None]) -> None:
        complaints: list[dict[str, object]] = []
        with asyncio.Runner(loop_factory=request.param) as runner:
            loop = runner.get_loop()
            loop.set_exception_handler(lambda _, context: complaints.append(context))
            runner.run(asyncio.wait_for(work, PATIENCE))
        assert complaints == []

    return on_loop
