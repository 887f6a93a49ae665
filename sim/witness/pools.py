"""What the answers of pools' sources may lead to: judged by what the probes said, and by what the world has named."""

from kglb.events import PoolAnswered
from kglb.model import RealId, ServiceId
from sim.balancers import source_of
from sim.excuses import LATEST
from sim.witness.testimony import Testimony
from sim.world import World


class PoolRule:
    """Nobody is a member whom the source never named; no answer takes more away than it may of those that are up."""

    def __init__(self, world: World, testimony: Testimony) -> None:
        self._world = world
        self._testimony = testimony

    def answered(self, event: PoolAnswered) -> None:
        """An answer was taken in, and is folded. Raises Violation."""
        fleet = self._world.process.state.fleet
        balancer = fleet.balancers.get(event.service)
        pool = None if balancer is None else next((one for one in balancer.config.pools if one.id == event.pool), None)
        if balancer is None or pool is None:
            return
        members = fleet.members_of(event.service, pool) or {}
        ever = self._world.names.ever[source_of(pool)]
        strangers = [real for real in members if real.rpartition(":")[0] not in ever]
        if strangers or not members:
            raise self._world.violation(f"{event.service}: {pool.id} has {list(members)}, named were {sorted(ever)}")
        rotation = {real for real, known in balancer.reals.items() if known.serves_for(pool.id)}
        lost = [real for real in event.left if real in rotation and self._passes(event.service, real)]
        if len(lost) > pool.max_loss * (len(members) + len(event.left)):
            raise self._world.violation(
                f"{event.service}: {pool.id} loses {lost}, which pass, and keeps {list(members)}"
            )

    def _passes(self, service: ServiceId, real: RealId) -> bool:
        """Whether a real is up beyond doubt."""
        said = self._testimony.of(service, real)
        return said.streak > 0 and self._world.now - said.failed > LATEST
