"""One simulation: a world from a seed, what goes wrong in it, and whether everything is as it should be at the end."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from kglb.actors.recorder import Recorder
from kglb.actors.supervisor import Stop
from kglb.dataplane.route_engine import MemoryRoutes
from kglb.events import RealDrained, RealRestored, WeightOverridden
from kglb.model import Destination, Endpoint, Forward, RealId, Service, ServiceId
from kglb.model.marks import mark_id
from sim import quiescence, waiting
from sim.agenda import Agenda
from sim.balancers import host, name, source
from sim.configs import Operator, Size
from sim.disk import Platter, last_seq
from sim.kernel import SimKernel
from sim.process import LIMITS, Process, Surroundings
from sim.reals import Names, Reals
from sim.story import Story
from sim.witness import Witness

FOREIGN = {
    Service(id=ServiceId("tcp://203.0.113.9:443"), scheduler="rr"): [
        Destination(real=RealId("203.0.113.10:443"), weight=5, forward=Forward("direct"))
    ],
    Service(id=ServiceId("fwmark://7"), scheduler="rr"): [Destination(real=RealId("203.0.113.11:0"), weight=1)],
}
"""What somebody else has in the kernel: never to be touched."""

MOST_BALANCERS = 100
"""In one simulation, whatever its operator adds."""

LOOK = 0.5
"""Seconds after which a process that has ended is noticed, and started again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate: ``minutes`` in which faults begin, of which kinds (empty: the seed chooses), and how often."""

    seed: int
    minutes: float = 5.0
    size: Size = field(default_factory=Size)
    kinds: tuple[str, ...] = ()
    faults_per_minute: float = 4.0


class World:
    """All that is outside the daemon, and the daemon's processes, one after the other."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = Random(plan.seed)
        self.agenda = Agenda()
        self.began = self.agenda.now
        self.operator = Operator(self._fork(), plan.size)
        self.platter = Platter(self._fork())
        self.kernel = SimKernel(self._fork(), dict(FOREIGN))
        self.routes = MemoryRoutes()
        self.reals = Reals(self._fork())
        self.names = Names({name(number): (host(number),) for number in range(plan.size.reals)})
        if plan.size.pools:
            self._begin_pools(self._fork())
        self.wall_offset = 0.0
        self.around = Surroundings(
            agenda=self.agenda,
            platter=self.platter,
            kernel=self.kernel,
            routes=self.routes,
            reals=self.reals,
            route=self._route,
            resolve=self._resolve,
            read_targets=self.names.read,
            wall=lambda: int((1_800_000_000 + self.agenda.now + self.wall_offset) * 1e9),
            limits=LIMITS,
        )
        self.around.on_step = self._between
        self.witness = Witness(self)
        self.story = Story(self, self._fork())
        self.process: Process
        self.processes = 0
        self.boots = 1
        self.stays_down = False
        self.down_until = 0.0
        self.kill_after: int | None = None
        self.log: list[tuple[float, str]] = []
        self.foreign = tuple(FOREIGN)

    def _fork(self) -> Random:
        return Random(self.random.getrandbits(64))

    def note(self, what: str) -> None:
        """Remember what went wrong in the world, for the report."""
        self.log.append((self.agenda.now, what))

    def _begin_pools(self, random: Random) -> None:
        for number in range(MOST_BALANCERS):
            for kind in ("dns", "file"):
                hosts = random.sample(range(self.plan.size.reals), min(4, self.plan.size.reals))
                self.names.change(source(kind, number), tuple(map(host, hosts)))

    # --- the run --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Tell the whole story. Raises Violation where something is not as it should be."""
        with waiting.forbidden():
            self._run()

    def _run(self) -> None:
        try:
            self.start()
            self._look()
            self.story.write(self.agenda.now + 20.0, self.plan.minutes * 60.0)
            self.agenda.run(self.agenda.now + 20.0 + self.plan.minutes * 60.0)
            self._be_quiet()
            quiescence.check(self)
            self._restart_changes_nothing()
            self._end()
        finally:
            self.process.kill()

    def _be_quiet(self) -> None:
        """No more faults; long enough for everything to settle."""
        self.story.end()
        self.note("quiet from now on")
        self.platter.tears = False
        self.kill_after = None
        self.agenda.run(self.agenda.now + 25.0)
        self.reload()
        self._end_orders()
        self.agenda.run(self.agenda.now + quiescence.settling_time(self))

    def _restart_changes_nothing(self) -> None:
        self.note("killed, and started again")
        before = quiescence.snapshot(self)
        done = self.witness.deeds.operations
        self.kill()
        self.agenda.run(self.agenda.now + 15.0)
        if self.witness.deeds.operations != done:
            raise self.witness.violation("a restart changed the kernel though nothing had changed in the world")
        after = quiescence.snapshot(self)
        if before != after:
            raise self.witness.violation(f"a restart led to another state: {quiescence.difference(before, after)}")
        quiescence.check(self)

    def _end(self) -> None:
        self.note("stopped")
        self.stays_down = True
        self.process.stop(Stop(reason="the end"))
        self.agenda.run(self.agenda.now + 60.0)
        quiescence.check_end(self)

    def digest(self) -> str:
        """The SHA-256 of everything on the disk: what must be the same for the same seed."""
        digest = hashlib.sha256()
        for path, file in sorted(self.platter.files.items()):
            if path.suffix != ".lock":
                digest.update(f"{path.name} {len(file.bytes)}\n".encode() + file.bytes)
        return digest.hexdigest()

    # --- processes ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the daemon, with the config that is on the disk now."""
        self.processes += 1
        self.process = Process(self.around, self.operator.config, self._fork())
        self.witness.process_started()

    def reload(self) -> None:
        """Have the running daemon read the config again, as SIGHUP does."""
        self.witness.config_changed()
        if self.process.running:
            self.process.reload(self.operator.config)

    def order(self, order: RealDrained | RealRestored | WeightOverridden) -> None:
        """An operator orders something about a real, if there is still a daemon and such a real."""
        if self.process.running and self.process.recorder is not None:
            known = self.process.state.fleet.real(order.service, order.real)
            if known is not None and (known.orders or not isinstance(order, RealRestored)):
                self.process.recorder.record(order)

    def _end_orders(self) -> None:
        for id, one in self.process.state.fleet.balancers.items():
            for real, known in list(one.reals.items()):
                if known.orders:
                    self.order(RealRestored(service=id, real=real, who="operator"))

    def kill(self) -> None:
        """End it as by kill -9. What the kernel had of the journal then, it still has."""
        written = self._promised(lambda recorder: recorder.last_seq - recorder.unwritten)
        if self.process.recorder is not None and self.process.alive:
            self.witness.deeds.killed(self.process.recorder.last_seq - self.process.recorder.unwritten)
        self.process.kill()
        self._must_have(written, "written")

    def reboot(self) -> None:
        """The machine crashes and comes back: the kernel is empty, what was not synced is lost."""
        synced = self._promised(lambda recorder: recorder.last_seq - recorder.unsynced)
        self.kill()
        self.platter.crash()
        self._must_have(synced, "on the platter")
        self.kernel.reboot()
        self.routes.routes.clear()
        self.boots += 1
        self.around.boot = f"boot-{self.boots}"
        self.witness.rebooted()

    def _promised(self, reached: Callable[[Recorder], int]) -> int:
        recorder = self.process.recorder
        return reached(recorder) if recorder is not None and self.process.alive and not self.witness.tainted else 0

    def _must_have(self, seq: int, what: str) -> None:
        """What was said to be on the disk is there."""
        if seq and (last := last_seq(self.platter)) < seq:
            raise self.witness.violation(f"record {seq} was said to be {what}, the last one there is {last}")

    def _look(self) -> None:
        """Start again what has ended."""
        ended = not self.process.alive or self.process.finished
        if ended and not self.stays_down and self.agenda.now >= self.down_until:
            self.kill()
            self.start()
        self.agenda.after(LOOK, self._look)

    def _between(self) -> None:
        if self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after <= 0:
                self.kill_after = None
                self.note("killed between two steps")
                self.kill()

    # --- what the processes ask -----------------------------------------------------------------------------------

    def _route(self, target: Endpoint, mark: int) -> str:
        """Where a connection goes: under a mark by the kernel's services, as ip_vs would send it."""
        if not mark:
            return target.address
        service = mark_id(mark, ipv6=False)
        if service not in self.kernel.all_services():
            service = ServiceId(f"tcp://{target.address}:80")
        serving = [real for real, held in self.kernel.held(service).items() if held.weight > 0]
        return self.random.choice(serving).rpartition(":")[0] if serving else ""

    async def _resolve(self, asked: str, ipv6: bool) -> tuple[str, ...]:
        await asyncio.sleep(self.names.delay)
        return self.names.ask(asked)
