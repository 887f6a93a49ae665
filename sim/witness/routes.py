"""Whether routes come and go at their lines, by what balancers have decided. Each balancer of a world has its own VIP.

Between its two lines a route stays what it is: announced, or not.
"""

from kglb.events import ConfigApplied, DaemonStarted, DaemonStopping, Event, RoutesDecided
from kglb.projections import BalancerState
from sim.violation import Violation
from sim.world import World


def must_stay(balancer: BalancerState) -> bool:
    """Whether enough reals are up for a route that is announced."""
    announce = balancer.config.announce
    return announce is not None and _share(balancer) > 0 and _share(balancer) >= announce.min_alive


def must_come(balancer: BalancerState) -> bool:
    """Whether enough reals are up for any route."""
    announce = balancer.config.announce
    return announce is not None and must_stay(balancer) and _share(balancer) >= announce.min_alive_to_announce


def _share(balancer: BalancerState) -> float:
    """The share of primaries that were up when its balancer decided last."""
    if balancer.mode in ("failsafe", "backup"):
        return 1.0
    if balancer.mode != "available" or not balancer.decided_total:
        return 0.0
    return balancer.decided_alive / balancer.decided_total


class Lines:
    """Sees every record after it is folded."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wanted: set[str] = set()

    def recorded(self, event: Event) -> None:
        """A fact was recorded."""
        if isinstance(event, RoutesDecided):
            self._decided(event)
        if isinstance(event, RoutesDecided | ConfigApplied | DaemonStarted | DaemonStopping):
            self._wanted = set(self._world.process.state.data_plane.desired.routes)

    def _decided(self, event: RoutesDecided) -> None:
        balancers = {
            balancer.config.route.prefix: balancer
            for balancer in self._world.process.state.fleet.balancers.values()
            if balancer.config.route is not None
        }
        for route in event.announce:
            if route.prefix not in self._wanted and not must_come(balancers[route.prefix]):
                raise self._violation("comes", balancers[route.prefix])
        for prefix in event.withdraw:
            if prefix in balancers and must_stay(balancers[prefix]):
                raise self._violation("goes", balancers[prefix])

    def _violation(self, what: str, balancer: BalancerState) -> Violation:
        return self._world.violation(
            f"the route of {balancer.config.id} {what}, with {_share(balancer):g} up, and {balancer.config.announce}"
        )
