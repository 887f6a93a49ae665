"""One run of the daemon: the real actors, recorder and journal, on simulated ports. It can be killed at any step."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from pykka import ActorRegistry

from journal import AppenderOptions, Clock, Limits, Origin, Retention, open_journal
from kglb.actors.daemon import Daemon, start
from kglb.actors.parts import Parts, ReadTargets
from kglb.actors.recorder import Fact, Recorder
from kglb.actors.recovery import recover
from kglb.actors.runtime import Scheduler
from kglb.actors.supervisor import Stop
from kglb.checks.outcome import Outcome
from kglb.dataplane.route_engine import MemoryRoutes
from kglb.model import Config, Endpoint
from kglb.projections import State
from sim.agenda import Agenda
from sim.disk import PID, Platter, SimDisk, SimFiles
from sim.kernel import SimKernel, SimWorker
from sim.loop import ProcessLoop
from sim.probing import Route, SimProber, SimVigil
from sim.reals import Reals

JOURNAL = Path("/journal")

LIMITS = Limits(buffer_size=64 << 10, segment_size=32 << 10, slice=0.0)
"""Small, so that a short simulation fills buffers and segments; a checkpoint yields after each of its parts."""


class Surroundings:
    """What a process finds around it, and what it tells: all of it outlives the process."""

    def __init__(
        self,
        *,
        agenda: Agenda,
        platter: Platter,
        kernel: SimKernel,
        routes: MemoryRoutes,
        reals: Reals,
        route: Route,
        resolve: Callable[[str, bool], Awaitable[tuple[str, ...]]],
        read_targets: ReadTargets,
        wall: Callable[[], int],
        limits: Limits = LIMITS,
    ) -> None:
        self.agenda = agenda
        self.platter = platter
        self.kernel = kernel
        self.routes = routes
        self.reals = reals
        self.route = route
        self.resolve = resolve
        self.read_targets = read_targets
        self.wall = wall
        self.limits = limits
        self.boot = "boot-1"
        self.deaf = 0.0
        self.on_outcome: Callable[[Endpoint, int, Outcome], None] = lambda target, mark, outcome: None
        self.on_fact: Callable[[Fact], None] = lambda fact: None
        self.on_schedule: Callable[[], None] = lambda: None
        self.on_step: Callable[[], None] = lambda: None

    def scheduling(self) -> None:
        """A checker schedules a probe: raises where it is to crash."""
        self.on_schedule()


class Process:
    """``finished`` once it has ended by itself, with ``clean`` as the daemon says, or ``error``."""

    def __init__(self, around: Surroundings, config: Config, random: Random) -> None:
        self.around = around
        self.random = random
        self.loop = ProcessLoop(around.agenda, around.on_step)
        self.files = SimFiles(around.platter, self.loop)
        self.recorder: Recorder | None = None
        self.parts: Parts
        self.daemon: Daemon | None = None
        self.prober: SimProber
        self.vigil: SimVigil
        self.finished = False
        self.clean = False
        self.leftovers: list[str] = []
        self.error: BaseException | None = None
        self._main = self.loop.create_task(self._run(config))
        self._main.add_done_callback(self._ended)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.loop.alive

    @property
    def running(self) -> bool:
        """Whether it has started and is not about to end."""
        return self.alive and self.daemon is not None and not self.daemon.finished.done()

    @property
    def state(self) -> State:
        """What it believes."""
        assert self.recorder is not None
        return self.recorder.state

    def stop(self, stop: Stop) -> None:
        """As by a signal."""
        if self.daemon is not None:
            self.daemon.stop(stop)

    def reload(self, config: Config) -> None:
        """As by SIGHUP."""
        self.loop.create_task(self._reload(config))

    async def _reload(self, config: Config) -> None:
        assert self.daemon is not None
        try:
            await self.daemon.reload(config, digest="digest", source="config.toml", secrets={})
        except OSError as error:
            self.daemon.reject("config.toml", (f"the machine cannot be read: {error}",))

    def kill(self) -> None:
        """As by kill -9: nothing of it takes another step."""
        self.loop.kill()
        self.around.routes.on_loss(lambda: None)
        for ref in ActorRegistry.get_all():
            ref.actor_stopped.set()
            ActorRegistry.unregister(ref)
        for task in self.loop.tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine = task.get_coro()
            if coroutine is not None and not getattr(coroutine, "cr_running", False):
                coroutine.close()

    def _ended(self, main: "asyncio.Task[None]") -> None:
        self.error = main.exception()
        self.finished = True

    async def _run(self, config: Config) -> None:
        around = self.around
        scheduler = Scheduler(self.loop, self.loop.time)
        recorder = self._open_journal(scheduler)
        self.prober = SimProber(
            around.agenda,
            self.loop,
            around.reals,
            around.route,
            around.on_outcome,
            lambda: around.deaf > 0 and self.random.random() < around.deaf,
            around.scheduling,
        )
        self.vigil = SimVigil(around.agenda, self.loop)
        self.parts = Parts(
            scheduler=scheduler,
            recorder=recorder,
            prober=self.prober,
            vigil=self.vigil,
            machine=around.kernel,
            worker=SimWorker(around.agenda, self.loop, around.kernel),
            resolve=around.resolve,
            read_targets=around.read_targets,
            routes=around.routes,
            now=self.loop.time,
            wall=lambda: around.wall() / 1e9,
            random=self.random,
        )
        self.recorder = recorder
        recorder.observe(around.on_fact)
        self.daemon = await start(
            self.parts, config, digest="digest", source="config.toml", pid=PID, origin=self._origin()
        )
        self.clean = await self.daemon.finished
        self.leftovers = await self.daemon.close(5.0)
        await recorder.close(5.0)

    def _origin(self) -> Origin:
        return Origin(host="director", boot_id=self.around.boot, software="simulated")

    def _open_journal(self, scheduler: Scheduler) -> Recorder:
        opened = open_journal(JOURNAL, self.files)
        try:
            recorder = Recorder(recover(opened), scheduler, left_open_in=opened.left_open_in)
            options = AppenderOptions(
                disk=SimDisk(self.around.agenda, self.loop, self.around.platter),
                clock=Clock(wall=self.around.wall, monotonic=self.loop.time),
                limits=self.around.limits,
                retention=Retention(max_size=0),
            )
            recorder.write_to(opened.appender(self._origin(), recorder.checkpoint, options))
        except Exception:
            opened.close()
            raise
        return recorder
