"""The daemon's actors in a world under virtual time: a scripted prober, a memory machine, a journal on real files."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from pykka import Actor, ActorRef, ActorRegistry

from journal import AppenderOptions, Clock, Disk, InlineDisk, JournalReader, Origin, OsFiles, open_journal
from kglb.actors.daemon import Daemon, start
from kglb.actors.parts import Parts
from kglb.actors.recorder import Recorder
from kglb.actors.recovery import recover
from kglb.actors.runtime import Scheduler
from kglb.actors.supervisor import Stop
from kglb.checks.outcome import Outcome
from kglb.checks.probe import Probe
from kglb.checks.vigil import IdleConnection
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.port import Failure
from kglb.dataplane.worker import InlineWorker
from kglb.events import Event, Record, decode
from kglb.model import Config, Operation, RealId, ServiceId, TcpCheck
from kglb.projections import RealState, State
from kglb.web.doubts import Doubts
from tests.left_behind import remember
from tests.patience import PATIENCE

OK = ("success", "ok")
REFUSED = ("failure", "refused")

Answer = tuple[str, str]
K = TypeVar("K")


class ScriptedProber:
    """Answers each probe at once when it is due, as ``answers`` says of its target (else with OK)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timers: dict[Probe, asyncio.TimerHandle] = {}
        self._probes: dict[RealId, Probe] = {}
        self.answers: dict[RealId, Answer] = {}
        self.default: Answer = OK
        self.asked: list[tuple[float, RealId]] = []

    def schedule(self, probe: Probe, due: float) -> None:
        self._probes[RealId(str(getattr(probe, "target", "")))] = probe
        self._timers[probe] = self._loop.call_at(due, self._answer, probe, due)

    def _answer(self, probe: Probe, due: float) -> None:
        del self._timers[probe]
        real = RealId(str(getattr(probe, "target", "")))
        self.asked.append((due, real))
        status, reason = self.answers.get(real, self.default)
        probe.answered(Outcome(status, reason, "", 0.001, due, due))  # type: ignore[arg-type]

    def ask_now(self, real: RealId) -> None:
        probe = self._probes[real]
        self.cancel(probe)
        self.schedule(probe, self._loop.time())

    def lose(self, real: RealId) -> None:
        """Forget the probe of a real, and that there was one."""
        self.cancel(self._probes[real])

    def keep_waiting(self, real: RealId, seconds: float) -> None:
        """Have the probe of a real wait for its turn."""
        probe = self._probes[real]
        self.cancel(probe)
        self.schedule(probe, self._loop.time() + seconds)

    def says(self, weight: int | None) -> None:
        """The only probe passes now, and says this weight of its real."""
        (probe,) = self._timers
        self.cancel(probe)
        now = self._loop.time()
        probe.answered(Outcome("success", "ok", "", 0.001, now, now, weight))

    def cancel(self, probe: Probe) -> None:
        if (timer := self._timers.pop(probe, None)) is not None:
            timer.cancel()

    def holds(self, probe: Probe) -> bool:
        return probe in self._timers

    async def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()


class ScriptedVigil:
    """Holds what it is told to hold, until ``lose``."""

    def __init__(self) -> None:
        self.held: dict[RealId, IdleConnection] = {}

    def hold(self, idle: IdleConnection) -> None:
        self.held[idle.target.id] = idle

    def release(self, idle: IdleConnection) -> None:
        self.held.pop(idle.target.id, None)

    def lose(self, real: RealId, how: str = "reset", after: float = 60.0) -> None:
        idle = self.held.pop(real)
        idle.lost(idle, how, after)

    async def close(self) -> None:
        self.held.clear()


class SlowWorker:
    """Makes the calls in order, each in ``seconds`` of the loop's time, or not before ``answers`` is set."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._turn = asyncio.Lock()
        self.seconds = 0.0
        self.answers = asyncio.Event()
        self.answers.set()
        self.busy_since: float | None = None
        self.waiting = self.most_waiting = 0

    async def call(self, function: Callable[..., K], *arguments: object) -> K:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            async with self._turn:
                self.busy_since = self._loop.time()
                await asyncio.sleep(self.seconds)
                await self.answers.wait()
                self.busy_since = None
                return function(*arguments)
        finally:
            self.waiting -= 1

    async def close(self, timeout: float) -> bool:
        return True


class UnsyncedFiles(OsFiles):
    """Real files, but nobody waits for the platter: virtual time would wait for it ten thousand times."""

    def sync(self, fd: int) -> None:
        pass


class World:
    """One run of the daemon, from a journal directory."""

    def __init__(
        self,
        directory: Path,
        machine: MemoryDataPlane,
        names: dict[str, list[str]],
        files: OsFiles,
        disk: Callable[[asyncio.AbstractEventLoop], Disk],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.directory = directory
        remember(directory)
        self.machine = machine
        self.names = names
        self.prober = ScriptedProber(self.loop)
        self.vigil = ScriptedVigil()
        scheduler = Scheduler(self.loop, self.loop.time)
        opened = open_journal(directory, files)
        state = recover(opened)
        self.recorder = Recorder(state, scheduler, left_open_in=opened.left_open_in)
        began = self.loop.time()
        self.wall = 1_800_000_000.0  # what the wall clock says when the daemon starts; a test may step it

        def wall() -> float:
            return self.wall + self.loop.time() - began

        clock = Clock(wall=lambda: int(wall() * 1e9), monotonic=self.loop.time)
        self.disk = disk(self.loop)
        options = AppenderOptions(disk=self.disk, clock=clock)
        origin = Origin(host="director", boot_id="boot", software="test")
        self.appender = opened.appender(origin, self.recorder.checkpoint, options)
        self.recorder.write_to(self.appender)
        self.parts = Parts(
            scheduler=scheduler,
            recorder=self.recorder,
            prober=self.prober,
            vigil=self.vigil,
            machine=machine,
            worker=InlineWorker(),
            resolve=self._resolve,
            now=self.loop.time,
            wall=wall,
            random=random.Random(1),
        )
        self.addresses_lost: Callable[[], None] = lambda: None
        self.parts.on_address_loss = self._hear_of_addresses
        self.doubts = Doubts(self.recorder.state.data_plane)
        self.recorder.observe(lambda fact: self.doubts.note(fact.event))
        self.parts.on_doubt = self.doubts.heard_by
        self.daemon: Daemon

    def _hear_of_addresses(self, told: Callable[[], None]) -> None:
        self.addresses_lost = told

    async def _resolve(self, name: str, ipv6: bool) -> tuple[str, ...]:
        await asyncio.sleep(0.001)
        if not self.names.get(name):
            raise OSError(f"no record for {name}")
        return tuple(self.names[name])

    @property
    def state(self) -> State:
        return self.recorder.state

    def real(self, service: ServiceId, real: RealId) -> RealState:
        known = self.state.fleet.real(service, real)
        assert known is not None, f"{real} is unknown"
        return known

    def real_fails_now(self, real: RealId) -> None:
        """The next probe of the real is due now, and finds it refusing."""
        self.prober.answers[real] = REFUSED
        self.prober.ask_now(real)

    def weights(self, service: ServiceId) -> dict[RealId, int]:
        """What the machine holds."""
        return {one.real: one.weight for one in self.machine.destinations(service)}

    async def reload(self, config: Config) -> None:
        """Put another config in force, as SIGHUP does."""
        await self.daemon.reload(config, digest="reloaded", source="test", secrets={})

    def new_segment(self) -> None:
        """Have the journal begin one, as it does by itself when the one before is long enough."""
        self.appender.rotate(self.recorder.checkpoint())

    async def stop(self, on_stop: str = "cleanup") -> bool:
        """Stop in order; whether the machine was left as it should be."""
        self.daemon.stop(Stop(reason="test", on_stop=on_stop))  # type: ignore[arg-type]
        clean = await asyncio.wait_for(self.daemon.finished, 120)
        assert await self.daemon.close(PATIENCE) == [], "actors are left: probably a bug"
        assert await self.recorder.close(PATIENCE)
        return clean

    async def kill(self) -> None:
        """End as by kill -9, as far as the journal and the machine are concerned."""
        await self.prober.close()
        for ref in ActorRegistry.get_all():
            ref.actor_stopped.set()
            ActorRegistry.unregister(ref)
        await self.recorder.close(1.0)


@asynccontextmanager
async def world(
    directory: Path,
    config: Config,
    *,
    machine: MemoryDataPlane | None = None,
    names: dict[str, list[str]] | None = None,
    prepare: Callable[[World], None] = lambda _: None,
    files: OsFiles | None = None,
    disk: Callable[[asyncio.AbstractEventLoop], Disk] = InlineDisk,
) -> AsyncIterator[World]:
    """A running daemon; stopped at the end if the test has not done so."""
    one = World(directory, machine or MemoryDataPlane(), names or {}, files or UnsyncedFiles(), disk)
    prepare(one)
    one.daemon = await start(one.parts, config, digest="digest", source="test", pid=1)
    try:
        yield one
    finally:
        if not one.daemon.finished.done() and ActorRegistry.get_all():
            await one.stop()


def journal_of(directory: Path) -> list[Record[Event]]:
    """Every record, oldest first."""
    return list(JournalReader(directory, decode).records())


def events_of(directory: Path, kind: type[K], from_seq: int = 0) -> list[K]:
    """The events of one kind, oldest first."""
    return [r.event for r in JournalReader(directory, decode).records(from_seq) if isinstance(r.event, kind)]


def kinds(directory: Path) -> Counter[type]:
    """How many events of each kind there are."""
    return Counter(type(record.event) for record in journal_of(directory))


def tcp(*, interval: float = 1.0, rise: int = 1, fall: int = 1) -> TcpCheck:
    """A check by TCP, each second and of one answer, unless other numbers are given."""
    return TcpCheck(interval=interval, timeout=1.0, rise=rise, fall=fall)


class WatchedMachine(MemoryDataPlane):
    """Remembers every batch it was given."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.batches: list[Sequence[Operation]] = []

    def apply(self, operations: Sequence[Operation]) -> list[Failure | None]:
        self.batches.append(operations)
        return super().apply(operations)


def actors_of(kind: type[Actor]) -> list[ActorRef[Any]]:
    """The living actors of a class."""
    return list(ActorRegistry.get_by_class(kind))


def actor_of(kind: type[Actor]) -> ActorRef[Any]:
    """The only living actor of a class."""
    (ref,) = actors_of(kind)
    return ref
