"""The event loop of one simulated process: asyncio's interface over the agenda, in virtual time.

A process that is killed does not run another step, wherever it was. What a callback raises is not swallowed: a
simulation must not go on after it.
"""

import asyncio
import contextvars
from asyncio import BaseEventLoop, Handle, TimerHandle
from collections.abc import Callable, Coroutine
from typing import Any, TypeVarTuple

from sim.agenda import Agenda

Ts = TypeVarTuple("Ts")


class Killed(BaseException):
    """Raised in the middle of a system call that a process does not survive, and by those after its death."""


class ProcessLoop(BaseEventLoop):
    """``alive`` until ``kill``. ``between`` is called after every step of the process."""

    def __init__(self, agenda: Agenda, between: Callable[[], None] = lambda: None) -> None:
        self.alive = False
        self._agenda = agenda
        super().__init__()
        self.alive = True
        self._between = between
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self.failure: BaseException | None = None

    def __del__(self) -> None:
        """Nothing is open."""

    def time(self) -> float:
        """Virtual seconds."""
        return self._agenda.now

    def kill(self) -> None:
        """Take no further step."""
        self.alive = False

    @property
    def tasks(self) -> list[asyncio.Task[Any]]:
        """The tasks that are not done."""
        return [task for task in self._tasks if not task.done()]

    # --- asyncio's interface, as far as the daemon uses it --------------------------------------------------------

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """As long as the process lives."""
        return self.alive

    def is_closed(self) -> bool:
        """Once it was killed."""
        return not self.alive

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> Handle:
        """Call it next."""
        handle = Handle(callback, args, self, context)
        self._agenda.soon(lambda: self._run(handle))
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> TimerHandle:
        """Call it in so many seconds."""
        return self.call_at(self._agenda.now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> TimerHandle:
        """Call it then."""
        timer = TimerHandle(when, callback, args, self, context)
        self._agenda.at(when, lambda: self._run(timer))
        return timer

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """Nothing: a cancelled timer is passed over when its time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:  # type: ignore[override]
        """A task of this loop."""
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, **options)
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What nobody was told of: a defect, unless the process is dead."""
        if self.alive:
            self.failure = context.get("exception") or RuntimeError(context.get("message"))

    def _run(self, handle: Handle) -> None:
        if not self.alive or handle.cancelled():
            return
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)
        if self.failure is not None:
            raise self.failure
        if self.alive:
            self._between()
