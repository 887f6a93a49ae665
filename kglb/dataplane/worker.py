"""Where system calls that may block are made: on a thread behind an async port, never on the event loop.

The kernel has a thread of its own, the disk another. A call that hangs (a dead disk, a lock in the kernel)
holds up the calls behind it and nothing else: neither the loop nor the end of the process waits for it.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds after which a call, or an answer that is due, is late beyond what load explains."""


class Caller(Protocol):
    """Makes calls in order, one at a time, wherever that is."""

    @property
    def busy_since(self) -> float | None:
        """When the call that is being made began, in ``time.monotonic``; None between calls."""
        ...

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function once all calls before are made, and return or raise what it does.

        Raises RuntimeError once closed, TimeoutError if the call had not ended when ``close`` gave up
        waiting. Cancelled before its turn, the call is not made; during it, its result is dropped.
        """
        ...

    async def close(self, timeout: float) -> bool:
        """Take no more calls; wait at most ``timeout`` seconds for those still awaited. Whether all ended."""
        ...


class Worker:
    """Makes the calls on one daemon thread. Used from one event loop.

    >>> async def example() -> int:
    ...     worker = Worker("arithmetic")
    ...     answer = await worker.call(divmod, 85, 2)
    ...     await worker.close(timeout=1.0)
    ...     return answer[0]
    >>> asyncio.run(example())
    42
    """

    def __init__(self, name: str) -> None:
        """Start the thread; its name is what a dump of all stacks shows."""
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._awaited: set[asyncio.Future[Any]] = set()
        self._closed = False
        self.busy_since: float | None = None
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function on the thread; see ``Caller.call``."""
        if self._closed:
            raise RuntimeError(f"worker {self._name} is closed")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        self._awaited.add(outcome)
        self._calls.put(lambda: _make(loop, outcome, function, arguments))
        try:
            return await outcome
        finally:
            self._awaited.discard(outcome)

    async def close(self, timeout: float) -> bool:
        """End the thread after the calls already made, but never wait for longer; see ``Caller.close``."""
        self._closed = True
        self._calls.put(None)
        if not self._awaited:
            return True
        _, hanging = await asyncio.wait(self._awaited, timeout=timeout)
        for outcome in hanging:
            outcome.set_exception(TimeoutError(f"worker {self._name}: no answer within {timeout} s of closing"))
        return not hanging

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            self.busy_since = time.monotonic()
            call()
            self.busy_since = None


def _make(
    loop: asyncio.AbstractEventLoop,
    outcome: "asyncio.Future[T]",
    function: Callable[..., T],
    arguments: tuple[object, ...],
) -> None:
    if outcome.done():
        return
    try:
        result = function(*arguments)
    except BaseException as error:  # whatever it is belongs to the caller, and the thread goes on
        _deliver(loop, outcome, outcome.set_exception, error)
    else:
        _deliver(loop, outcome, outcome.set_result, result)


def _deliver(
    loop: asyncio.AbstractEventLoop,
    outcome: "asyncio.Future[T]",
    settle: Callable[[Any], None],
    value: object,
) -> None:
    def deliver() -> None:
        if not outcome.done():
            settle(value)

    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(deliver)


class InlineWorker:
    """Makes the calls at once on the caller's thread, for simulation and tests."""

    busy_since = None

    def __init__(self) -> None:
        self._closed = False

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function here and now; see ``Caller.call``."""
        if self._closed:
            raise RuntimeError("the worker is closed")
        return function(*arguments)

    async def close(self, timeout: float) -> bool:  # noqa: ARG002 - nothing is ever left to wait for
        """Take no more calls."""
        self._closed = True
        return True
