"""The recorder: numbers every fact, hands it to the journal, folds it, and delivers it to whoever subscribed.

Actors never tell each other facts; they record them here, synchronously on the loop. While an actor handles record N,
what it records has ``cause = N``. The recorder never touches a file or the kernel itself.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from pykka import ActorRef

from journal import Degraded
from kglb.actors.outcome_run import OutcomeRun
from kglb.actors.runtime import Crash, LoopActor, Scheduler
from kglb.events import ActorCrashed, Event, OpenRun, RunsClosed, encode
from kglb.model import RealId, ServiceId
from kglb.projections import RealState, State

WRITE_DEADLINE = 0.05
"""Seconds an effect on the machine waits at most for the write of what caused it."""


_Topic = tuple[type, ServiceId | None]


class Fact(NamedTuple):
    """A recorded event, as delivered to subscribers."""

    seq: int
    cause: int | None
    event: Event


class RecordSink(Protocol):
    """What the recorder asks of a journal; ``journal.Appender`` is the real one."""

    @property
    def last_seq(self) -> int:
        """The number of the newest record."""

    @property
    def written_seq(self) -> int:
        """The last record that the kernel has."""

    @property
    def synced_seq(self) -> int:
        """The last record that is on the platter."""

    @property
    def should_rotate(self) -> bool:
        """Whether it is time for a new segment."""

    @property
    def degraded(self) -> Degraded | None:
        """Why records do not reach the disk; None while they do."""

    def append(self, event: bytes, cause: int | None = None) -> int:
        """Record an event; returns its number."""

    def rotate(self, checkpoint: Iterator[bytes]) -> int:
        """Begin a new segment with a checkpoint."""

    async def wait_written(self, seq: int, timeout: float | None = None) -> bool:
        """Wait until the kernel has record ``seq``; whether it does."""

    async def wait_synced(self, seq: int, timeout: float | None = None) -> bool:
        """Wait until record ``seq`` is on the platter; whether it is."""

    async def close(self, timeout: float) -> bool:
        """Write and sync what is left."""


class Recorder:
    """One per daemon. ``state`` is the fold of everything recorded so far; ``left_open_in`` is the boot in which a
    daemon before may have done what its journal does not have (``OpenJournal.left_open_in``).
    """

    def __init__(self, state: State, scheduler: Scheduler, *, left_open_in: str = "") -> None:
        self.state = state
        self.left_open_in = left_open_in
        self.cause: int | None = None
        self.scrub: Callable[[str], str] = str
        self._loop = scheduler.loop
        self._appender: RecordSink
        self._subscribers: dict[_Topic, list[ActorRef[Any]]] = {}
        self._topics: dict[ActorRef[Any], dict[_Topic, None]] = {}
        self._observers: list[Callable[[Fact], None]] = []
        self._runs: dict[tuple[ServiceId, RealId], OutcomeRun] = {}
        self._rotating = False

    def write_to(self, appender: RecordSink) -> None:
        """Record to this appender; called once, before anything is recorded. (It needs ``checkpoint`` to be made.)"""
        self._appender = appender

    @property
    def last_seq(self) -> int:
        """The seq of the newest record."""
        return self._appender.last_seq

    def record(self, event: Event, *, cause: int | None = None) -> int:
        """Make a fact of ``event`` and return its seq; ``cause`` defaults to what is being handled."""
        because = self.cause if cause is None else cause
        seq = self._appender.append(encode(event), because)
        self.state.fold(seq, event)
        fact = Fact(seq, because, event)
        for observer in self._observers:
            observer(fact)
        kind, service = type(event), getattr(event, "service", None)
        for subscriber in self._subscribers.get((kind, None), ()):
            subscriber.tell(fact)
        if service is not None:
            for subscriber in self._subscribers.get((kind, service), ()):
                subscriber.tell(fact)
        if self._appender.should_rotate and not self._rotating:
            self._rotating = True
            self._loop.call_soon(self._rotate)
        return seq

    def subscribe(self, subscriber: ActorRef[Any], *kinds: type, service: ServiceId | None = None) -> None:
        """Have events of these kinds, of one service or of all, told to ``subscriber`` as ``Fact``."""
        for kind in kinds:
            self._subscribers.setdefault((kind, service), []).append(subscriber)
            self._topics.setdefault(subscriber, {})[kind, service] = None

    def unsubscribe(self, subscriber: ActorRef[Any]) -> None:
        """Tell ``subscriber`` nothing any more."""
        for topic in self._topics.pop(subscriber, ()):
            others = [other for other in self._subscribers[topic] if other != subscriber]
            if others:
                self._subscribers[topic] = others
            else:
                del self._subscribers[topic]

    def observe(self, observer: Callable[[Fact], None]) -> None:
        """Have ``observer`` called with every fact, at once: for logs and metrics. It must be quick and not raise."""
        self._observers.append(observer)

    # --- outcome runs -------------------------------------------------------------------------------------------

    def open_run(self, service: ServiceId, known: RealState) -> OutcomeRun:
        """The outcome run of a checker, registered, so that its length is recorded before a checkpoint."""
        run = self._runs[service, known.real] = OutcomeRun(known)
        return run

    def forget_run(self, service: ServiceId, real: RealId, run: OutcomeRun) -> None:
        """The checker is gone."""
        if self._runs.get((service, real)) is run:
            del self._runs[service, real]

    def close_runs(self, only: ServiceId | None = None) -> None:
        """Record how long every open run is by now, of one service or of all; they go on from zero."""
        open_runs = []
        for (service, real), run in self._runs.items():
            if run.count and (only is None or service == only):
                open_runs.append(OpenRun(service, real, run.count))
                run.count = 0
        if open_runs:
            self.record(RunsClosed(runs=tuple(open_runs)))

    # --- the journal --------------------------------------------------------------------------------------------

    def checkpoint(self) -> Iterator[bytes]:
        """Close the runs and give the state as it is then, in parts."""
        self.close_runs()
        return self.state.checkpoint()

    def _rotate(self) -> None:
        try:
            if self._appender.should_rotate:
                self._appender.rotate(self.checkpoint())
        finally:
            self._rotating = False

    async def written(self, seq: int) -> None:
        """Wait until ``seq`` is written, at most WRITE_DEADLINE and not at all while the journal is degraded."""
        if self._appender.written_seq < seq:
            await self._appender.wait_written(seq, WRITE_DEADLINE)

    async def synced(self, seq: int, timeout: float) -> bool:
        """Wait until ``seq`` is on the platter, and no longer once the journal is degraded; whether it is."""
        return await self._appender.wait_synced(seq, timeout)

    @property
    def degraded(self) -> str:
        """Why records do not reach the disk, empty while they do."""
        return self._appender.degraded.reason if self._appender.degraded else ""

    @property
    def degraded_since(self) -> str:
        """Since when they do not, as a record's ``at``; empty while they do."""
        return self._appender.degraded.since if self._appender.degraded else ""

    @property
    def unwritten(self) -> int:
        """How many records the kernel does not have yet."""
        return self._appender.last_seq - self._appender.written_seq

    @property
    def unsynced(self) -> int:
        """How many records are not on the platter yet."""
        return self._appender.last_seq - self._appender.synced_seq

    async def close(self, timeout: float) -> bool:
        """Write what is left; whether everything is on the platter. Nothing can be recorded afterwards."""
        return await self._appender.close(timeout)


class RecordingActor(LoopActor):
    """A ``LoopActor`` that records facts: while it handles fact N, what it records is caused by N."""

    __slots__ = ("recorder",)

    def __init__(
        self, scheduler: Scheduler, recorder: Recorder, *, key: object = None, parent: ActorRef[Any] | None = None
    ) -> None:
        super().__init__(scheduler, key=key, parent=parent)
        self.recorder = recorder

    def _handle_receive(self, message: Any) -> Any:
        self.recorder.cause = message.seq if type(message) is Fact else None
        return super()._handle_receive(message)

    def on_stop(self) -> None:
        """Let go."""
        self.let_go()

    def on_failure(self, *_: object) -> None:
        """Let go as after a stop."""
        self.let_go()

    def record_crash(self, name: str, crash: Crash, retry_in: float) -> int:
        """Record that a child, or this actor, has crashed; after so many seconds it is started again."""
        crashed = ActorCrashed(
            actor=name,
            error=self.recorder.scrub(crash.error),
            traceback=self.recorder.scrub(crash.traceback),
            retry_in=retry_in,
        )
        return self.recorder.record(crashed)

    def let_go(self) -> None:
        """End everything that would outlive this actor, however it ends. What overrides this calls it."""
        self.recorder.unsubscribe(self.actor_ref)

    def drain(self) -> None:
        """Handle what waits; nothing recorded afterwards is caused by it."""
        super().drain()
        self.recorder.cause = None
