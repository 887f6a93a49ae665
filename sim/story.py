"""When what goes wrong: the story that a seed tells. Each fault begins, and is over after a while."""

import math
from collections.abc import Sequence
from functools import partial
from random import Random

from sim.balancers import host
from sim.faults import FAULTS, POOL_FAULTS, TROUBLE, Over, become
from sim.world import World


class Story:
    """The faults of one simulation, of these kinds; of none: the seed chooses some."""

    def __init__(self, world: World, random: Random, kinds: Sequence[str] = ()) -> None:
        self._world = world
        self._random = random
        self._open: dict[int, tuple[str, Over]] = {}
        self._count = 0
        self._ended = False
        self.kinds = list(kinds)

    def write(self, begin: float, seconds: float, per_minute: float) -> None:
        """Choose some kinds of faults, unless they are given, and when each happens."""
        random, every = self._random, [*FAULTS, *(POOL_FAULTS if self._world.size.pools else ())]
        self.kinds = self.kinds or random.sample(every, random.randint(2, len(every)))
        for _ in range(round(per_minute * seconds / 60)):
            when = begin + random.random() * seconds
            kind = random.choice(self.kinds)
            lasts = random.choice((0.2, 2.0, 10.0, 40.0)) * random.random()
            self._world.agenda.at(when, partial(self._begin, kind, lasts))

    def _begin(self, kind: str, lasts: float) -> None:
        if self._ended:
            return
        self._count += 1
        number = self._count
        if "crashes" in kind:
            self._world.excuses.crashing_until = self._world.now + lasts
        over = (FAULTS.get(kind) or POOL_FAULTS[kind])(self._world, self._random)
        self._world.note(f"{kind} for {lasts:.3g} s" if over else kind)
        if over is not None:
            self._open[number] = (kind, over)
            self._world.agenda.after(lasts, lambda: self._over(number))
        self._troubled_by(kind)

    def _over(self, number: int) -> None:
        kind, over = self._open.pop(number, ("", None))
        if over is not None:
            self._troubled_by(kind)
            self._world.note(f"{kind}: over")
            over()

    def _troubled_by(self, kind: str) -> None:
        """Trouble is over when the last of it is."""
        if _is_trouble(kind):
            lasts = any(_is_trouble(other) for other, _ in self._open.values())
            self._world.excuses.trouble_over = math.inf if lasts else self._world.now

    def end(self) -> None:
        """Everything that is wrong is over but that some reals stay dead, and nothing more goes wrong."""
        self._ended = True
        for number in list(self._open):
            self._over(number)
        share = self._random.choice((0.0, 0.0, 0.2, 0.5, 1.0))
        hosts = range(self._world.size.reals)
        become(self._world, [host(number) for number in hosts if self._random.random() < share], "refuses")


def _is_trouble(kind: str) -> bool:
    return any(trouble in kind for trouble in TROUBLE)
