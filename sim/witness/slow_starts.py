"""Invariants about slow starts: who warms up has some of its weight, who does not has all, and steps take time."""

from kglb.decisions import between_steps
from kglb.events import WHOLE, BalancerDecided, WarmthChanged
from kglb.model import RealId, ServiceId
from sim.world import World

_TICK = 0.001


class SlowStarts:
    """Sees what is recorded of them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._excuses = world.excuses
        self._stepped: dict[tuple[ServiceId, RealId], tuple[int, float]] = {}
        self._changed: dict[ServiceId, float] = {}

    def process_started(self) -> None:
        """Every wait for a step begins anew."""
        self._stepped.clear()

    def changed_since(self, id: ServiceId, moment: float) -> bool:
        """Whether a step has been taken, which takes its time on the way to the kernel."""
        return self._changed.get(id, float("-inf")) >= moment

    def changed(self, event: WarmthChanged) -> None:
        """One step at a time, each after its time, and to the end at once."""
        id, now = event.service, self._world.now
        balancer = self._world.process.state.fleet.balancers[id].config
        self._changed[id] = now
        for real, tenths in event.tenths.items():
            before, since = self._stepped.get((id, real), (0, float("-inf")))
            hasty = now - since < between_steps(balancer.slow_start) - _TICK and not self._excuses.is_lenient
            if 1 < tenths < WHOLE and before and (tenths != before + 1 or hasty):
                raise self._world.violation(f"{id} {real}: from {before} tenths to {tenths} after {now - since:g} s")
            self._stepped[id, real] = (tenths, now)

    def decided(self, event: BalancerDecided) -> None:
        """Less than the weight is for who warms up beside somebody who has all of it, and never nothing."""
        known = self._world.process.state.fleet.balancers[event.service]
        for name, weight in event.weights.items():
            real = known.reals[name]
            if not weight:
                continue
            if real.warming is None:
                holds = weight == real.configured
            else:
                carried = bool(known.config.slow_start) and known.alive > known.warming + known.weightless
                holds = weight <= real.configured and carried
            if not holds:
                said = f"weight {weight} of {real.configured} at {real.tenths} tenths"
                raise self._world.violation(f"{event.service} {name}: {said}")
