"""What the probes said of each real, counted independently of the daemon."""

from collections.abc import Callable

from kglb.checks.outcome import Outcome
from kglb.model import Balancer, Check, Endpoint, RealId, ServiceId
from sim.balancers import FIRST_PORT, vip
from sim.witness.hurry import Hurry
from sim.world import World


class Said:
    """What the probes said of one real: the streak, when it was last long enough to count, and since when it passes."""

    __slots__ = ("failed", "passed", "passing_since", "streak")

    def __init__(self) -> None:
        self.streak = 0
        self.failed = self.passed = float("-inf")
        self.passing_since = float("inf")

    def add(self, success: bool, check: Check, now: float, *, lenient: bool) -> None:
        """One more outcome; ``lenient``: one may be long enough already."""
        rise, fall = (1, 1) if lenient else (check.rise, check.fall)
        if success:
            self.streak = max(self.streak, 0) + 1
            if self.streak >= rise:
                self.passed = now
            if self.streak >= check.rise:
                self.passing_since = min(self.passing_since, now)
        else:
            self.passing_since = float("inf")
            self.streak = min(self.streak, 0) - 1
            if -self.streak >= fall:
                self.failed = now


class Testimony:
    """All outcomes, from the prober. ``on_settled`` is told of the one that makes a streak long enough."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.on_settled: Callable[[ServiceId, RealId, Said], None] = lambda service, real, said: None
        self._said: dict[tuple[ServiceId, RealId], Said] = {}
        self._hurry = Hurry(world)
        self._by_vip: dict[str, Balancer] = {}
        self._config: object = None

    def of(self, service: ServiceId, real: RealId) -> Said:
        """What was said of one real; nothing if it was never probed."""
        return self._said.get((service, real)) or Said()

    def forget(self) -> None:
        """Another boot: everything must be probed anew."""
        self._said.clear()
        self._hurry.forget()

    def forget_one(self, service: ServiceId, real: RealId) -> None:
        """It was no real for a while: what was said of it before is no reason to believe it."""
        self._said.pop((service, real), None)

    def outcome(self, target: Endpoint, mark: int, outcome: Outcome) -> None:
        """A probe's outcome is on its way to its checker. *Unknown* says nothing."""
        balancer = self._balancer(target, mark)
        real = target.id if not mark else self._marked(balancer, mark)
        if balancer is None or real is None:
            return
        if not mark:
            self._hurry.outcome(balancer, real, outcome, first=(balancer.id, real) not in self._said)
        if outcome.status == "unknown":
            return
        check, lenient = balancer.check, self._world.excuses.is_lenient
        said = self._said.setdefault((balancer.id, real), Said())
        said.add(outcome.status == "success", check, self._world.now, lenient=lenient)
        if not lenient and not mark and said.streak in (check.rise, -check.fall):
            self.on_settled(balancer.id, real, said)

    def _balancer(self, target: Endpoint, mark: int) -> Balancer | None:
        config = self._world.operator.config
        if config is not self._config:
            self._config = config
            self._by_vip = {balancer.service.key.address: balancer for balancer in config.balancers}
        address = target.address if mark else vip(target.port - FIRST_PORT)
        return self._by_vip.get(address)

    def _marked(self, balancer: Balancer | None, mark: int) -> RealId | None:
        fleet = self._world.process.state.fleet
        held = fleet.marks.held.get(mark)
        if balancer is None or held is None or balancer.id not in fleet.balancers:
            return None
        reals = fleet.balancers[balancer.id].reals
        return next((real for real in reals if real.rpartition(":")[0] == held.way.address), None)
