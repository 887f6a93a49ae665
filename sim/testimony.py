"""What the probes said of each real, counted independently of the daemon; and how soon it must have come of it."""

from typing import TYPE_CHECKING

from kglb.checks.outcome import Outcome
from kglb.model import Balancer, Check, Endpoint, RealId, ServiceId
from sim.balancers import FIRST_PORT, vip
from sim.faults import TROUBLE

if TYPE_CHECKING:
    from sim.witness import Witness
    from sim.world import World

REACTION = 1.0
"""Seconds from the probe that settles it to the kernel, while neither kernel nor disk make trouble."""

CALM = 60.0
"""Seconds without trouble after which that bound holds."""


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
    """All outcomes, from the prober."""

    def __init__(self, world: "World", witness: "Witness") -> None:
        self._world = world
        self._witness = witness
        self._said: dict[tuple[ServiceId, RealId], Said] = {}
        self._by_vip: dict[str, Balancer] = {}
        self._config: object = None

    def of(self, service: ServiceId, real: RealId) -> Said:
        """What was said of one real; nothing if it was never probed."""
        return self._said.get((service, real)) or Said()

    def forget(self) -> None:
        """Another boot: everything must be probed anew."""
        self._said.clear()

    def forget_one(self, service: ServiceId, real: RealId) -> None:
        """It was no real for a while: what was said of it before is no reason to believe it."""
        self._said.pop((service, real), None)

    def outcome(self, target: Endpoint, mark: int, outcome: Outcome) -> None:
        """A probe's outcome is on its way to its checker. *Unknown* says nothing."""
        balancer = self._balancer(target, mark)
        real = target.id if not mark else self._marked(balancer, mark)
        if balancer is None or real is None or outcome.status == "unknown":
            return
        witness, check = self._witness, balancer.check
        lenient = witness.is_lenient
        said = self._said.setdefault((balancer.id, real), Said())
        said.add(outcome.status == "success", check, witness.now, lenient=lenient)
        if not lenient and not mark and said.streak in (check.rise, -check.fall):
            self._expect_reaction(balancer.id, real, said)

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

    def _expect_reaction(self, service: ServiceId, real: RealId, said: Said) -> None:
        """A probe's outcome reaches the kernel within its bound: what the daemon is for."""
        world, witness = self._world, self._witness
        process, begun, up = world.process, witness.now, said.streak > 0

        def look() -> None:
            if world.process is not process or not process.running or witness.facts.stopping:
                return
            if witness.configured >= begun or (said.streak > 0) != up or witness.moved >= begun - CALM:
                return
            known = process.state.fleet.real(service, real)
            if known is None or world.story.crashed_since(begun - CALM):
                return
            if known.healthy != up:
                raise witness.violation(f"{service} {real}: healthy={not up} is believed, the probes say otherwise")
            if witness.facts.slow_starts.changed_since(service, begun):
                return
            held = world.kernel.held(service).get(real)
            if self._is_calm(begun) and (0 if held is None else held.weight) != known.weight:
                raise witness.violation(f"{service} {real}: weight {known.weight} was decided, the kernel has {held}")

        world.agenda.after(REACTION, look)

    def _is_calm(self, begun: float) -> bool:
        story = self._world.story
        troubled = any(trouble in kind for kind in story.active for trouble in TROUBLE)
        return begun - story.trouble_over > CALM and begun - self._witness.edited > CALM and not troubled
