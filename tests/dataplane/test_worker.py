"""Calls made off the loop: in order, with their results, and never in the way of the end."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kglb.dataplane.worker import Caller, InlineWorker, Worker
from tests.patience import PATIENCE

Scenario = Callable[[Caller], Coroutine[Any, Any, None]]


@pytest.fixture(params=[lambda: Worker("test"), InlineWorker], ids=["thread", "inline"])
def make(request: pytest.FixtureRequest) -> Callable[[], Caller]:
    return request.param  # type: ignore[no-any-return]


def play(make: Callable[[], Caller], scenario: Scenario) -> None:
    async def whole() -> None:
        worker = make()
        await scenario(worker)
        assert await worker.close(timeout=PATIENCE)

    asyncio.run(asyncio.wait_for(whole(), timeout=2 * PATIENCE))


def test_a_call_returns_its_result(make: Callable[[], Caller]) -> None:
    async def scenario(worker: Caller) -> None:
        assert await worker.call(divmod, 17, 5) == (3, 2)

    play(make, scenario)


def test_a_call_raises_its_exception_and_the_next_call_is_made(make: Callable[[], Caller]) -> None:
    async def scenario(worker: Caller) -> None:
        with pytest.raises(ZeroDivisionError):
            await worker.call(divmod, 1, 0)
        with pytest.raises(KeyboardInterrupt):
            await worker.call(interrupt)
        assert await worker.call(len, "abc") == 3

    def interrupt() -> None:
        raise KeyboardInterrupt

    play(make, scenario)


def test_calls_are_made_in_order_one_at_a_time(make: Callable[[], Caller]) -> None:
    made: list[int] = []

    def call(number: int) -> int:
        made.append(number)
        time.sleep(0.001 * (number % 3))
        made.append(number)
        return number

    async def scenario(worker: Caller) -> None:
        assert await asyncio.gather(*(worker.call(call, n) for n in range(20))) == list(range(20))

    play(make, scenario)
    assert made == [n for n in range(20) for _ in range(2)]


def test_a_closed_worker_takes_no_more_calls(make: Callable[[], Caller]) -> None:
    async def scenario(worker: Caller) -> None:
        assert await worker.close(timeout=PATIENCE)
        with pytest.raises(RuntimeError, match="closed"):
            await worker.call(len, "abc")

    play(make, scenario)


def test_the_loop_runs_while_a_call_is_made() -> None:
    async def scenario(worker: Caller) -> None:
        release = threading.Event()
        waiting = asyncio.ensure_future(worker.call(release.wait, PATIENCE))
        await asyncio.sleep(0)
        release.set()
        assert await waiting

    play(lambda: Worker("test"), scenario)


def test_all_calls_are_made_on_one_daemon_thread_of_that_name() -> None:
    async def scenario(worker: Caller) -> None:
        threads = {await worker.call(threading.current_thread) for _ in range(3)}
        (thread,) = threads
        assert (thread.name, thread.daemon) == ("test", True)

    play(lambda: Worker("test"), scenario)


def test_closing_waits_for_the_calls_already_made_and_ends_the_thread() -> None:
    async def whole() -> None:
        worker = Worker("test")
        thread = await worker.call(threading.current_thread)
        calls = [asyncio.ensure_future(worker.call(time.sleep, 0.01)) for _ in range(3)]
        await asyncio.sleep(0)
        assert await worker.close(timeout=PATIENCE)
        assert await asyncio.gather(*calls) == [None] * 3
        thread.join(PATIENCE)
        assert not thread.is_alive()

    asyncio.run(whole())


def test_closing_does_not_wait_for_a_call_that_hangs_and_makes_none_behind_it() -> None:
    made: list[str] = []

    async def whole() -> None:
        worker = Worker("hung")
        release = threading.Event()
        thread = await worker.call(threading.current_thread)
        hanging = asyncio.ensure_future(worker.call(release.wait, PATIENCE))
        behind = asyncio.ensure_future(worker.call(made.append, "behind"))
        await asyncio.sleep(0)
        assert not await worker.close(timeout=0.02)
        for call in (hanging, behind):
            with pytest.raises(TimeoutError, match="worker hung: no answer within"):
                await call
        release.set()
        await asyncio.to_thread(thread.join, PATIENCE)
        assert not thread.is_alive()

    asyncio.run(whole())
    assert made == []


def test_a_call_cancelled_before_its_turn_is_not_made() -> None:
    made: list[str] = []

    async def scenario(worker: Caller) -> None:
        release = threading.Event()
        first = asyncio.ensure_future(worker.call(release.wait, PATIENCE))
        second = asyncio.ensure_future(worker.call(made.append, "second"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        release.set()
        await first

    play(lambda: Worker("test"), scenario)
    assert made == []


def test_a_call_that_ends_after_its_loop_does_no_harm() -> None:
    release = threading.Event()
    ended = threading.Event()

    def late() -> None:
        release.wait(PATIENCE)
        ended.set()

    async def whole() -> threading.Thread:
        worker = Worker("late")
        thread = await worker.call(threading.current_thread)
        call = asyncio.ensure_future(worker.call(late))
        await asyncio.sleep(0)
        assert not await worker.close(timeout=0.01)
        with pytest.raises(TimeoutError):
            await call
        return thread

    thread = asyncio.run(whole())
    release.set()
    thread.join(PATIENCE)
    assert ended.is_set()


def test_it_says_since_when_a_call_has_not_returned() -> None:
    release = threading.Event()

    async def until(worker: Worker, *, busy: bool) -> float | None:
        while ((since := worker.busy_since) is not None) != busy:
            await asyncio.sleep(0.001)
        return since

    async def whole() -> None:
        worker = Worker("test")
        await until(worker, busy=False)
        before = time.monotonic()
        hanging = asyncio.create_task(worker.call(release.wait))
        since = await until(worker, busy=True)
        assert since is not None
        assert before <= since <= time.monotonic()
        release.set()
        await hanging
        await until(worker, busy=False)

    asyncio.run(asyncio.wait_for(whole(), timeout=2 * PATIENCE))
