"""A probe's outcome reaches the kernel within its bound: what the daemon is for."""

from kglb.model import RealId, ServiceId
from sim.excuses import CALM
from sim.witness.facts import Facts
from sim.witness.testimony import Said
from sim.world import World

REACTION = 1.0
"""Seconds from the probe that settles it to the kernel, while neither kernel nor disk make trouble."""


class Reaction:
    """Looks, once a streak of outcomes is long enough, whether the daemon has done in time what follows from it."""

    def __init__(self, world: World, facts: Facts) -> None:
        self._world = world
        self._facts = facts

    def expect(self, service: ServiceId, real: RealId, said: Said) -> None:
        """The streak of a real is long enough now."""
        world, facts, excuses = self._world, self._facts, self._world.excuses
        process, begun, up = world.process, world.now, said.streak > 0

        def look() -> None:
            if world.process is not process or not process.running or facts.stopping:
                return
            if excuses.configured >= begun or (said.streak > 0) != up or excuses.moved >= begun - CALM:
                return
            known = process.state.fleet.real(service, real)
            if known is None or excuses.crashed_since(begun - CALM):
                return
            if known.healthy != up:
                raise world.violation(f"{service} {real}: healthy={not up} is believed, the probes say otherwise")
            if facts.slow_starts.changed_since(service, begun):
                return
            held = world.kernel.held(service).get(real)
            if excuses.was_calm_at(begun) and (0 if held is None else held.weight) != known.weight:
                raise world.violation(f"{service} {real}: weight {known.weight} was decided, the kernel has {held}")

        world.agenda.after(REACTION, look)
