"""A real that nobody knows to be down is asked again soon: no start takes ``rise`` intervals."""

import math
from typing import NamedTuple

from kglb.checks.outcome import Outcome
from kglb.model import Balancer, Check, RealId, ServiceId
from sim.world import World

NEW_INTERVAL = 1.0
"""Seconds after which a real that never failed, and is not up, is asked again at the latest."""

TURN = 0.5
"""Seconds for which it may wait for its turn: these worlds are small."""


class New(NamedTuple):
    """A real that only passes, but not often enough to be up: how often, until when, and by when it is asked again."""

    passes: int
    seen: float
    again: float


class Hurry:
    """Hears of every outcome of a check that goes straight to its real, *unknown* too."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._new: dict[tuple[ServiceId, RealId], New] = {}

    def forget(self) -> None:
        """Another boot: everything must be probed anew."""
        self._new.clear()

    def outcome(self, balancer: Balancer, real: RealId, outcome: Outcome, *, first: bool) -> None:
        """A probe was answered; ``first``: none of that real ever passed or failed before."""
        world, excuses, key, check = self._world, self._world.excuses, (balancer.id, real), balancer.check
        known = world.process.state.fleet.real(*key)
        new = self._new.pop(key, None)
        if new is None:
            if not first or known is None or known.healthy:
                return
            new = New(0, world.now, math.inf)
        if max(excuses.started, excuses.configured, excuses.moved) > new.seen or excuses.crashed_since(new.seen):
            return
        if outcome.started > new.again:
            late = outcome.started - new.again
            raise world.violation(f"{balancer.id} {real}: new, and asked {late:.3f} s too late")
        passes = new.passes + (outcome.status == "success")
        if outcome.status != "failure" and passes < check.rise:
            self._new[key] = New(passes, world.now, self._latest(check, outcome))

    def _latest(self, check: Check, outcome: Outcome) -> float:
        """By when it is asked again: at its own time, of which each comes a tenth late, where that is no later."""
        if check.interval <= NEW_INTERVAL:
            return max(self._world.now, outcome.started) + 1.1 * check.interval + TURN
        return max(self._world.now, outcome.started + NEW_INTERVAL) + TURN
