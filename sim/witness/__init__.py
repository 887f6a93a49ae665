"""Who watches, and judges at every step.

===============  ====================================================================
``testimony``    what the probes said of each real
``hurry``        a real that is new is asked again soon
``slow_starts``  who warms up has some of its weight, and steps take time
``routes``       routes come and go at their lines
``facts``        what is recorded has a cause on record, and is so
``reaction``     what the probes say reaches the kernel soon
``deeds``        what is done to the kernel is done to ours, and never for the worse
``promises``     what was said to be on the disk is there
===============  ====================================================================

None of them asks the daemon what it is to be judged by, but for what it believes; ``sim.excuses`` has what excuses it.
"""

from kglb.actors.recorder import Fact
from kglb.events import Adopted
from sim.witness.deeds import Deeds
from sim.witness.facts import Facts
from sim.witness.promises import Promises
from sim.witness.reaction import Reaction
from sim.witness.testimony import Testimony
from sim.world import Watcher, World


class Witness(Watcher):
    """One per simulation, for all processes of it: sees to it that everybody is told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._testimony = Testimony(world)
        self._facts = Facts(world, self._testimony)
        self._promises = Promises(world)
        self.deeds = Deeds(world, self._testimony, self._facts)
        self._testimony.on_settled = Reaction(world, self._facts).expect
        world.kernel.watcher = self.deeds
        world.around.on_outcome = self._testimony.outcome
        world.around.on_fact = self._recorded
        world.watcher = self

    def _recorded(self, fact: Fact) -> None:
        self._facts.recorded(fact)
        if isinstance(fact.event, Adopted):
            self.deeds.adopted(fact.seq)

    def process_started(self) -> None:
        """A process begins."""
        self._facts.process_started()
        self.deeds.process_started()

    def process_ends(self) -> None:
        """It is about to be killed."""
        self._promises.process_ends()
        recorder = self._world.process.recorder
        if recorder is not None and self._world.process.alive:
            self.deeds.killed(recorder.last_seq - recorder.unwritten)

    def process_ended(self) -> None:
        """It is gone."""
        self._promises.process_ended()

    def rebooted(self) -> None:
        """The kernel is empty, and whoever answered the probes has done so in another boot."""
        self._promises.crashed()
        self.deeds.rebooted()
        self._testimony.forget()
