"""Actors on one event loop: ``LoopActor``, a ``pykka.Actor`` whose inbox is drained by the loop, and the scheduler.

pykka documents three hooks for new actor types (``_create_actor_inbox``, ``_create_future``, ``_start_actor_loop``);
these are implemented here on an asyncio loop. Differences to pykka's own actors, on purpose:

- Handling is synchronous and never blocks. What takes time is a task (``spawn``) or a timer (``after``).
- An exception stops the actor and is told to its parent, which starts it again. No exception stops any other actor.
- ``ask`` is for the edges (tests, the control socket), never between actors.

This module knows nothing of load balancing.
"""

import asyncio
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import chain
from types import TracebackType
from typing import Any, NamedTuple

import pykka
from pykka import ActorDeadError, ActorRef, ActorRegistry, Future, ThreadingFuture
from pykka._envelope import Envelope
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

_SLICE = 0.005
"""Seconds of handling after which the scheduler lets the loop look at its sockets and timers."""
_BATCH = 4
"""So many actors are drained between two looks at the clock: reading it is a system call on some machines."""


_NOTHING: dict[Any, None] = {}
_FOR_PYKKA = frozenset((_ActorStop, ProxyCall, ProxyGetAttr, ProxySetAttr))


class _StopFlag(threading.Event):
    """Whether an actor has stopped. One loop reads and writes it and nobody waits, so it needs no lock.

    An Event with its condition and its two locks is 1.2 kB, a sixth of what an actor takes.
    """

    def __init__(self) -> None:
        self._stopped = False

    def is_set(self) -> bool:
        """Whether ``set`` has been called."""
        return self._stopped

    def set(self) -> None:
        """Say so for good."""
        self._stopped = True


class Crash(NamedTuple):
    """Told to the parent of an actor that raised."""

    key: object
    error: str
    traceback: str


class Scheduler:
    """Drains the inboxes that have something in them, in the order in which they first had.

    ``clock`` gives seconds; by it the loop gets its turn.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = time.perf_counter) -> None:
        self.loop = loop
        self._clock = clock
        self._thread = threading.get_ident()
        self._ready: deque[LoopActor] = deque()
        self._scheduled = False

    @property
    def idle(self) -> bool:
        """Whether no inbox has anything in it."""
        return not self._scheduled

    def ready(self, actor: "LoopActor") -> None:
        """Have the actor's inbox drained soon. Callable from any thread."""
        if threading.get_ident() != self._thread:
            self.loop.call_soon_threadsafe(self._enqueue, actor)
        else:
            self._enqueue(actor)

    def turn(self, deliver: Callable[[], None]) -> None:
        """Drain what ``deliver`` fills as soon as it is through, instead of at the loop's next turn."""
        if self._scheduled:
            deliver()
            return
        self._scheduled = True
        try:
            deliver()
        finally:
            self._run()

    def _enqueue(self, actor: "LoopActor") -> None:
        self._ready.append(actor)
        if not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self._run)

    def _run(self) -> None:
        until = self._clock() + _SLICE
        ready = self._ready
        while ready:
            for _ in range(min(_BATCH, len(ready))):
                ready.popleft().drain()
            if ready and self._clock() > until:
                self.loop.call_soon(self._run)
                return
        self._scheduled = False


class LoopInbox:
    """What others put, in order, until the actor is drained. Implements pykka's ``ActorInbox``."""

    __slots__ = ("_actor", "_envelopes", "_scheduler")

    def __init__(self) -> None:
        self._envelopes: list[Envelope[Any]] = []
        self._scheduler: Scheduler | None = None
        self._actor: LoopActor | None = None

    def bind(self, scheduler: Scheduler, actor: "LoopActor") -> None:
        """Have ``scheduler`` drain ``actor`` whenever something is put."""
        self._scheduler, self._actor = scheduler, actor

    def put(self, envelope: Envelope[Any], /) -> None:
        """Append; the first that is put since the last ``take_all`` schedules a drain."""
        self._envelopes.append(envelope)
        if len(self._envelopes) == 1:
            assert self._scheduler is not None, "an inbox is bound before it is used"
            assert self._actor is not None
            self._scheduler.ready(self._actor)

    def get(self) -> Envelope[Any]:
        """The oldest envelope; raises IndexError if there is none."""
        return self._envelopes.pop(0)

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._envelopes

    def take_all(self) -> list[Envelope[Any]]:
        """All that wait, oldest first."""
        envelopes, self._envelopes = self._envelopes, []
        return envelopes


class LoopActor(pykka.Actor):
    """An actor whose messages are handled on the event loop that its scheduler runs on.

    ``key`` names it to its ``parent``, which is told a ``Crash`` when it raises. Subclasses of which there are
    thousands declare ``__slots__``.
    """

    __slots__ = ("_parent", "_pending", "_scheduler", "key")

    def __init__(self, scheduler: Scheduler, *, key: object = None, parent: ActorRef[Any] | None = None) -> None:
        super().__init__()
        self.actor_stopped = self.actor_ref.actor_stopped = _StopFlag()
        self.key = key
        self._parent = parent
        self._scheduler = scheduler
        self._pending: dict[asyncio.Task[Any] | asyncio.TimerHandle, None] = _NOTHING
        self._inbox.bind(scheduler, self)

    @property
    def _inbox(self) -> LoopInbox:
        assert isinstance(self.actor_inbox, LoopInbox)
        return self.actor_inbox

    @staticmethod
    def _create_actor_inbox() -> LoopInbox:
        return LoopInbox()

    @staticmethod
    def _create_future() -> Future[Any]:
        return ThreadingFuture()

    def _start_actor_loop(self) -> None:
        """Run ``on_start`` at once, on the caller's turn of the loop."""
        try:
            self.on_start()
        except Exception:
            self._crashed()

    def drain(self) -> None:
        """Handle what waits now; what is put meanwhile waits for the next turn."""
        stopped = self.actor_stopped.is_set
        waiting = iter(self._inbox.take_all())
        try:
            for envelope in waiting:
                if stopped():
                    _refuse(envelope, self.actor_ref)
                else:
                    self._handle(envelope)
            if not stopped():
                self.on_drained()
        except Exception:
            self._crashed()
        if stopped():
            for envelope in chain(waiting, self._inbox.take_all()):
                _refuse(envelope, self.actor_ref)

    def _handle(self, envelope: Envelope[Any]) -> None:
        if envelope.reply_to is None:
            self._handle_receive(envelope.message)
            return
        try:
            envelope.reply_to.set(self._handle_receive(envelope.message))
        except Exception:
            envelope.reply_to.set_exception(sys.exc_info())

    def _handle_receive(self, message: Any) -> Any:
        if type(message) in _FOR_PYKKA:
            return super()._handle_receive(message)
        return self.on_receive(message)

    def _crashed(self) -> None:
        kind, error, trace = sys.exc_info()
        ActorRegistry.unregister(self.actor_ref)
        self.actor_stopped.set()
        self._release()
        try:
            self.on_failure(kind, error, trace)
        except Exception:
            kind, error, trace = sys.exc_info()
        self._tell_parent(kind, error, trace)

    def _tell_parent(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        crash = Crash(self.key, f"{type(error).__name__}: {error}", text)
        if self._parent is None or not self._parent.is_alive():
            self.on_crash_untold(crash)
        else:
            self._parent.tell(crash)

    def _stop(self) -> None:
        if self.actor_stopped.is_set():
            return
        self._release()
        ActorRegistry.unregister(self.actor_ref)
        self.actor_stopped.set()
        try:
            self.on_stop()
        except Exception:
            self._tell_parent(*sys.exc_info())

    def _release(self) -> None:
        for pending in self._pending:
            pending.cancel()
        self._pending = _NOTHING

    def on_drained(self) -> None:
        """Run code after everything that waited was handled: where an actor decides once for many messages."""

    def on_crash_untold(self, crash: Crash) -> None:
        """Run code after this actor has crashed and there is no parent to start it again. Must not raise."""
        sys.stderr.write(f"{self} raised and has no parent to restart it:\n{crash.traceback}")

    def after(self, seconds: float, message: object) -> Callable[[], None]:
        """Tell this actor ``message`` in so many seconds; the result cancels it. Dies with the actor."""

        def fire() -> None:
            self._pending.pop(handle, None)
            self.actor_ref.tell(message)

        def cancel() -> None:
            self._pending.pop(handle, None)
            handle.cancel()

        handle = self._scheduler.loop.call_later(seconds, fire)
        self._keep(handle)
        return cancel

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine as a task of this actor: cancelled with it, and its exception is the actor's."""
        task = self._scheduler.loop.create_task(work)
        self._keep(task)
        task.add_done_callback(self._task_done)

    def _keep(self, pending: "asyncio.Task[Any] | asyncio.TimerHandle") -> None:
        if self._pending is _NOTHING:  # most actors never have any: one each would be a tenth of their size
            self._pending = {}
        self._pending[pending] = None

    def _task_done(self, task: "asyncio.Task[Any]") -> None:
        self._pending.pop(task, None)
        if task.cancelled() or self.actor_stopped.is_set():
            return
        try:
            task.result()
        except Exception:
            self._crashed()


class Alarm:
    """One timer of an actor, which is told ``message``: to set it again ends the wait before."""

    __slots__ = ("_actor", "_cancel", "_message")

    def __init__(self, actor: LoopActor, message: object) -> None:
        self._actor = actor
        self._message = message
        self._cancel: Callable[[], None] | None = None

    def set(self, seconds: float) -> None:
        """Tell it in so many seconds, and not when it would have been told."""
        self.cancel()
        self._cancel = self._actor.after(seconds, self._message)

    def cancel(self) -> None:
        """Tell it nothing, unless that has happened."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None


def _refuse(envelope: Envelope[Any], actor: ActorRef[Any]) -> None:
    if envelope.reply_to is None:
        return
    if isinstance(envelope.message, _ActorStop):
        envelope.reply_to.set(None)
    else:
        dead = ActorDeadError(f"{actor} stopped before handling the message")
        envelope.reply_to.set_exception((ActorDeadError, dead, None))
