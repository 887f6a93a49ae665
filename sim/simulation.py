"""One simulation: a world from a seed, what goes wrong in it, and whether everything is as it should be at the end."""

from dataclasses import dataclass, field
from random import Random

from kglb.actors.supervisor import Stop
from kglb.events import RealRestored
from sim import crash, quiescence, waiting
from sim.configs import Size
from sim.story import Story
from sim.witness import Witness
from sim.world import World

BEFORE = 20.0
"""Seconds before the first fault."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate: ``minutes`` in which faults begin, of which kinds (empty: the seed chooses), and how often."""

    seed: int
    minutes: float = 5.0
    size: Size = field(default_factory=Size)
    kinds: tuple[str, ...] = ()
    faults_per_minute: float = 4.0


class Simulation:
    """Puts the world, who watches and the story together, and sees it through."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.world = World(Random(plan.seed), plan.size)
        self.began = self.world.now
        self._witness = Witness(self.world)
        self.story = Story(self.world, self.world.fork(), plan.kinds)

    def run(self) -> None:
        """Tell the whole story. Raises Violation where something is not as it should be."""
        with waiting.forbidden(), crash.without_places():
            self._run()

    def _run(self) -> None:
        world, seconds = self.world, self._plan.minutes * 60.0
        try:
            world.begin()
            self.story.write(world.now + BEFORE, seconds, self._plan.faults_per_minute)
            world.agenda.run(world.now + BEFORE + seconds)
            self._be_quiet()
            quiescence.check(world)
            self._restart_changes_nothing()
            self._end()
        finally:
            world.process.kill()

    def _be_quiet(self) -> None:
        """No more faults; long enough for everything to settle."""
        world = self.world
        self.story.end()
        world.note("quiet from now on")
        world.platter.tears = False
        world.kill_after = None
        world.agenda.run(world.now + 25.0)
        world.reload()
        self._end_orders()
        world.agenda.run(world.now + quiescence.settling_time(world))

    def _end_orders(self) -> None:
        for id, one in self.world.process.state.fleet.balancers.items():
            for real, known in list(one.reals.items()):
                if known.orders:
                    self.world.order(RealRestored(service=id, real=real, who="operator"))

    def _restart_changes_nothing(self) -> None:
        world, deeds = self.world, self._witness.deeds
        world.note("killed, and started again")
        before = quiescence.snapshot(world)
        done = deeds.operations
        world.kill()
        world.agenda.run(world.now + 15.0)
        if deeds.operations != done:
            raise world.violation("a restart changed the kernel though nothing had changed in the world")
        after = quiescence.snapshot(world)
        if before != after:
            raise world.violation(f"a restart led to another state: {quiescence.difference(before, after)}")
        quiescence.check(world)

    def _end(self) -> None:
        world = self.world
        world.note("stopped")
        world.stays_down = True
        world.process.stop(Stop(reason="the end"))
        world.agenda.run(world.now + 60.0)
        quiescence.check_end(world)
