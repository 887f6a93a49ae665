"""Who watches: what has happened in the world that excuses the daemon, and the three that judge it at every step.

``testimony`` judges by what the probes said, ``facts`` what is recorded, ``deeds`` what is done to the kernel. None of
them asks the daemon what it is to be judged by, but for what it believes.
"""

from typing import TYPE_CHECKING

from kglb.model import ServiceId
from sim.deeds import Deeds
from sim.facts import Facts
from sim.testimony import Testimony
from sim.violation import Violation

if TYPE_CHECKING:
    from sim.world import World

GRACE = 120.0
"""Seconds after a change of config, names or process in which what was true before may still have its effects."""


class Witness:
    """One per simulation, for all processes of it. Times are virtual seconds."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.tainted: list[str] = []
        self.configured = self.started = 0.0
        self.edited = self.moved = float("-inf")
        self.testimony = Testimony(world, self)
        self.facts = Facts(world, self)
        self.deeds = Deeds(world, self)
        world.kernel.watcher = self.deeds
        world.around.on_outcome = self.testimony.outcome
        world.around.on_fact = self.facts.recorded

    @property
    def now(self) -> float:
        """The time."""
        return self._world.agenda.now

    def violation(self, what: str) -> Violation:
        """To be raised: where, and what does not hold."""
        return Violation(f"at {self.now:.3f} s, step {self._world.agenda.steps}: {what}")

    @property
    def is_lenient(self) -> bool:
        """Whether the config, the names or the process are so new that what was true before may still have effects."""
        return self.now - max(self.configured, self.started, self.moved) < GRACE

    @property
    def is_steered(self) -> bool:
        """Whether somebody has changed config, names, orders or the kernel so lately that a weight may go for that."""
        return self.now - max(self.configured, self.moved, self.edited) < GRACE

    # --- what happens in the world --------------------------------------------------------------------------------

    def process_started(self) -> None:
        """A process begins."""
        self.started = self.now
        self.facts.process_started()
        self.deeds.process_started()

    def config_changed(self) -> None:
        """Another config is about to be in force."""
        self.configured = self.now

    def name_moved(self) -> None:
        """A name leads elsewhere now."""
        self.moved = self.now

    def rebooted(self) -> None:
        """The kernel is empty, and whoever answered the probes has done so in another boot."""
        self.deeds.rebooted()
        self.testimony.forget()

    def stranger_edited(self) -> None:
        """A stranger has changed what is ours."""
        self.edited = self.now

    def taint(self, why: str) -> None:
        """What the journal or the kernel has lost nobody can know again: who made what is uncertain from now on."""
        self.tainted.append(why)

    def ours(self) -> set[ServiceId]:
        """The services in the kernel that the daemon made."""
        return self.deeds.made & self._world.kernel.all_services().keys()
