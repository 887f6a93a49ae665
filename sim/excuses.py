"""What has happened in the world that excuses the daemon. Whoever makes it happen says so here; whoever judges asks."""

from kglb.model import Address
from sim.agenda import Agenda

GRACE = 120.0
"""Seconds after a change of config, names or process in which what was true before may still have its effects."""

CALM = 60.0
"""Seconds without trouble after which an effect must come soon."""

LATEST = 300.0
"""Seconds by which an effect may come later than its reason, while kernel or disk make trouble."""


class Excuses:
    """One per simulation, for all processes of it. Times are virtual seconds.

    ``tainted`` says what has been lost that nobody can know again. ``trouble_over`` is when the last trouble of kernel
    or disk ended, and ``crashing_until`` up to when actors are made to crash. ``unrecorded`` are the addresses of a
    config that no disk has the record of, and that no config of a process since then has: nobody looks for them.
    """

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self.tainted: list[str] = []
        self.unrecorded: set[Address] = set()
        self.configured = self.started = self.trouble_over = 0.0
        self.edited = self.moved = self.crashing_until = float("-inf")

    @property
    def is_lenient(self) -> bool:
        """Whether the config, the names or the process are so new that what was true before may still have effects."""
        return self._agenda.now - max(self.configured, self.started, self.moved) < GRACE

    @property
    def is_steered(self) -> bool:
        """Whether somebody has changed config, names, orders or the kernel so lately that a weight may go for that."""
        return self._agenda.now - max(self.configured, self.moved, self.edited) < GRACE

    def was_calm_at(self, moment: float) -> bool:
        """Whether nothing has delayed effects on the kernel since long before then, nor does now."""
        return moment - self.trouble_over > CALM and moment - self.edited > CALM

    def crashed_since(self, moment: float) -> bool:
        """Whether actors were made to crash since then."""
        return self.crashing_until >= moment

    # --- what happens ---------------------------------------------------------------------------------------------

    def process_started(self) -> None:
        """A process begins."""
        self.started = self._agenda.now

    def config_changed(self) -> None:
        """Another config is about to be in force."""
        self.configured = self._agenda.now

    def real_moved(self) -> None:
        """A name leads elsewhere now, or somebody has ordered something about a real."""
        self.moved = self._agenda.now

    def stranger_edited(self) -> None:
        """A stranger has changed what is ours."""
        self.edited = self._agenda.now

    def taint(self, why: str) -> None:
        """What the journal or the kernel has lost nobody can know again: who made what is uncertain from now on."""
        self.tainted.append(why)
