import asyncio

import pytest

from sim.agenda import Agenda
from sim.loop import ProcessLoop


def test_a_coroutine_sleeps_in_virtual_time() -> None:
    agenda = Agenda(now=0.0)
    loop = ProcessLoop(agenda)

    async def sleep() -> float:
        await asyncio.sleep(3600)
        return loop.time()

    task = loop.create_task(sleep())
    agenda.run(until=7200)
    assert task.result() == 3600.0


def test_a_process_that_is_killed_takes_no_further_step() -> None:
    agenda = Agenda(now=0.0)
    seen: list[str] = []
    loop = ProcessLoop(agenda)
    loop.call_later(1.0, seen.append, "before")
    loop.call_later(1.0, loop.kill)
    loop.call_later(1.0, seen.append, "after")
    agenda.run(until=2.0)
    assert seen == ["before"]


def test_what_a_callback_raises_ends_the_simulation() -> None:
    agenda = Agenda(now=0.0)
    loop = ProcessLoop(agenda)
    loop.call_soon(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        agenda.run(until=1.0)
