"""The world: all that is outside the daemon, and the daemon's processes, one after the other.

Here is what can happen, not when it does (``story``), nor whether the daemon does right (``witness``, ``quiescence``).
"""

import asyncio
from random import Random

from kglb.dataplane.route_engine import MemoryRoutes
from kglb.events import RealDrained, RealRestored, WeightOverridden
from kglb.model import Destination, Endpoint, Forward, RealId, Service, ServiceId
from kglb.model.marks import mark_id
from sim.agenda import Agenda
from sim.balancers import host, name, source
from sim.configs import Operator, Size
from sim.disk import Platter
from sim.excuses import Excuses
from sim.kernel import SimKernel
from sim.process import LIMITS, Process, Surroundings
from sim.reals import Names, Reals
from sim.violation import Violation

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


class Watcher:
    """Who is told what becomes of the daemon's processes: here, nobody."""

    def process_started(self) -> None:
        """A process begins."""

    def process_ends(self) -> None:
        """It is about to be killed."""

    def process_ended(self) -> None:
        """It takes no further step."""

    def rebooted(self) -> None:
        """The machine has lost what was not synced, and its kernel is empty."""


class World:
    """``random`` is that of whatever nobody else has one of their own for."""

    def __init__(self, random: Random, size: Size) -> None:
        self.random = random
        self.size = size
        self.agenda = Agenda()
        self.operator = Operator(self.fork(), size)
        self.platter = Platter(self.fork())
        self.kernel = SimKernel(self.fork(), dict(FOREIGN))
        self.routes = MemoryRoutes()
        self.reals = Reals(self.fork())
        self.names = Names({name(number): (host(number),) for number in range(size.reals)})
        if size.pools:
            self._begin_pools(self.fork())
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
        self.excuses = Excuses(self.agenda)
        self.watcher = Watcher()
        self.process: Process
        self.processes = 0
        self.boots = 1
        self.stays_down = False
        self.down_until = 0.0
        self.kill_after: int | None = None
        self.log: list[tuple[float, str]] = []
        self.foreign = tuple(FOREIGN)

    def fork(self) -> Random:
        """A source of randomness for somebody who is not to disturb the others."""
        return Random(self.random.getrandbits(64))

    @property
    def now(self) -> float:
        """The time."""
        return self.agenda.now

    def violation(self, what: str) -> Violation:
        """To be raised: when, and what does not hold."""
        return Violation(f"at {self.now:.3f} s, step {self.agenda.steps}: {what}")

    def note(self, what: str) -> None:
        """Remember what went wrong in the world, for the report."""
        self.log.append((self.agenda.now, what))

    def _begin_pools(self, random: Random) -> None:
        for number in range(MOST_BALANCERS):
            for kind in ("dns", "file"):
                hosts = random.sample(range(self.size.reals), min(4, self.size.reals))
                self.names.change(source(kind, number), tuple(map(host, hosts)))

    # --- processes ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the daemon, now and whenever it has ended."""
        self.start()
        self._look()

    def start(self) -> None:
        """Start the daemon, with the config that is on the disk now."""
        self.processes += 1
        self.process = Process(self.around, self.operator.config, self.fork())
        self.excuses.process_started()
        self.watcher.process_started()

    def reload(self) -> None:
        """Have the running daemon read the config again, as SIGHUP does."""
        self.excuses.config_changed()
        if self.process.running:
            self.process.reload(self.operator.config)

    def order(self, order: RealDrained | RealRestored | WeightOverridden) -> None:
        """An operator orders something about a real, if there is still a daemon and such a real."""
        if self.process.running and self.process.recorder is not None:
            known = self.process.state.fleet.real(order.service, order.real)
            if known is not None and (known.orders or not isinstance(order, RealRestored)):
                self.process.recorder.record(order)

    def kill(self) -> None:
        """End it as by kill -9. What the kernel had of the journal then, it still has."""
        self.watcher.process_ends()
        self.process.kill()
        self.watcher.process_ended()

    def reboot(self) -> None:
        """The machine crashes and comes back: the kernel is empty, what was not synced is lost."""
        self.kill()
        self.platter.crash()
        self.kernel.reboot()
        self.routes.routes.clear()
        self.boots += 1
        self.around.boot = f"boot-{self.boots}"
        self.watcher.rebooted()

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
