"""When what goes wrong: the story that a seed tells. Each fault begins, and is over after a while."""

from functools import partial
from random import Random
from typing import TYPE_CHECKING

from sim.balancers import host
from sim.faults import FAULTS, POOL_FAULTS, TROUBLE, Over, become

if TYPE_CHECKING:
    from sim.world import World


class Story:
    """The faults of one simulation. ``active`` are the kinds that are not over."""

    def __init__(self, world: "World", random: Random) -> None:
        self._world = world
        self._random = random
        self._open: dict[int, tuple[str, Over]] = {}
        self._count = 0
        self._ended = False
        self.trouble_over = 0.0
        self._crashes = float("-inf")
        self.kinds: list[str] = []

    def write(self, begin: float, seconds: float) -> None:
        """Choose some kinds of faults and when each happens."""
        plan, random = self._world.plan, self._random
        every = [*FAULTS, *(POOL_FAULTS if plan.size.pools else ())]
        self.kinds = list(plan.kinds) or random.sample(every, random.randint(2, len(every)))
        for _ in range(round(plan.faults_per_minute * seconds / 60)):
            when = begin + random.random() * seconds
            kind = random.choice(self.kinds)
            lasts = random.choice((0.2, 2.0, 10.0, 40.0)) * random.random()
            self._world.agenda.at(when, partial(self._begin, kind, lasts))

    @property
    def active(self) -> list[str]:
        """What is wrong now."""
        return [kind for kind, _ in self._open.values()]

    def _begin(self, kind: str, lasts: float) -> None:
        if self._ended:
            return
        self._count += 1
        number = self._count
        if any(trouble in kind for trouble in TROUBLE):
            self.trouble_over = self._world.agenda.now
        if "crashes" in kind:
            self._crashes = self._world.agenda.now + lasts
        over = (FAULTS.get(kind) or POOL_FAULTS[kind])(self._world, self._random)
        self._world.note(f"{kind} for {lasts:.3g} s" if over else kind)
        if over is not None:
            self._open[number] = (kind, over)
            self._world.agenda.after(lasts, lambda: self._over(number))

    def _over(self, number: int) -> None:
        kind, over = self._open.pop(number, ("", None))
        if over is not None:
            if any(trouble in kind for trouble in TROUBLE):
                self.trouble_over = self._world.agenda.now
            self._world.note(f"{kind}: over")
            over()

    def crashed_since(self, when: float) -> bool:
        """Whether actors were made to crash since then."""
        return self._crashes >= when

    def end(self) -> None:
        """Everything that is wrong is over but that some reals stay dead, and nothing more goes wrong."""
        self._ended = True
        for number in list(self._open):
            self._over(number)
        share = self._random.choice((0.0, 0.0, 0.2, 0.5, 1.0))
        hosts = range(self._world.plan.size.reals)
        become(self._world, [host(number) for number in hosts if self._random.random() < share], "refuses")
