"""Metrics of the balancers and their reals, read from the projections; what is removed is in none of them.

They are consumed in slices while the projections move on, so they run over copies, one balancer's at a time.
"""

from collections.abc import Callable, Iterator
from typing import get_args

from kglb.events import WHOLE, Mode
from kglb.model import Route, type_of
from kglb.projections import BalancerState, PoolState, State, pool_key
from kglb.web.exposition import Family, Sample, escape, gauge

_MODES: tuple[str, ...] = get_args(Mode)


def fleet_families(state: State) -> Iterator[Family]:
    """All of them."""
    yield from balancer_families(state)
    yield from real_families(state)
    yield from route_families(state)


def balancer_families(state: State) -> Iterator[Family]:
    """Of each balancer."""
    yield gauge("kglb_balancer_info", "Always 1, for its labels: KgLb's setup, the type of the check.", _infos(state))
    yield gauge("kglb_balancer_mode", "Whether the balancer is in this mode.", _modes(state))
    yield gauge("kglb_balancer_reals", "Primaries in rotation: without drained and leaving reals.", _totals(state))
    yield gauge("kglb_balancer_alive_reals", "Primaries in rotation that are up.", _alive(state))
    yield gauge(
        "kglb_balancer_alive_ratio",
        "Share of the primaries in rotation that are up, 0 to 1; 1 in failsafe and on backups, 0 without reals.",
        _ratios(state),
    )
    yield gauge("kglb_balancer_backups", "Backups in rotation.", _backups(state))
    yield gauge("kglb_balancer_unresolved_names", "Names of reals that have never had an address.", _unresolved(state))
    yield gauge("kglb_balancer_alive_backups", "Backups in rotation that are up.", _alive_backups(state))
    yield from _pool_families(state)


def _pool_families(state: State) -> Iterator[Family]:
    yield gauge("kglb_pool_members", "Members of the pool.", _pools(state, lambda pool: len(pool.members)))
    yield gauge(
        "kglb_pool_lacking",
        "Members that the pool keeps though its source does not name them, because they are too many (max_loss).",
        _pools(state, lambda pool: len(pool.lacking)),
    )
    yield gauge(
        "kglb_pool_failing",
        "Whether the pool's source gives no answer that can be used.",
        _pools(state, lambda pool: int(bool(pool.error))),
    )


def real_families(state: State) -> Iterator[Family]:
    """Of each real of each balancer."""
    yield gauge("kglb_real_healthy", "Whether the real's checks have it up.", _healthy(state))
    yield gauge("kglb_real_in_rotation", "Whether the real is neither drained nor leaving.", _in_rotation(state))
    yield gauge("kglb_real_weight", "Weight the balancer decided; absent before it has.", _weights(state))
    yield gauge(
        "kglb_real_slow_start_ratio",
        "Share of its weight that the real has when it serves: less than 1 in a slow start; absent without slow_start.",
        _slow_starts(state),
    )
    yield gauge(
        "kglb_real_applied_weight",
        "Weight the machine is known to hold; absent where it does not hold the real.",
        _applied_weights(state),
    )


def route_families(state: State) -> Iterator[Family]:
    """Of each route."""
    yield gauge(
        "kglb_route_announced",
        "Whether the BGP engine has acknowledged the route, of every balancer that has one.",
        _routes(state),
    )
    yield gauge("kglb_route_wanted", "Whether the route is to be announced.", _wanted_routes(state))


def _balancers(state: State) -> Iterator[tuple[BalancerState, str]]:
    """Each balancer and its labels, open for more. Ids of services and reals have nothing to escape."""
    for service, balancer in list(state.fleet.balancers.items()):
        yield balancer, f'{{balancer="{escape(balancer.config.name)}",service="{service}"'


def _infos(state: State) -> Iterator[Sample]:
    for balancer, labels in _balancers(state):
        config = balancer.config
        yield f'{labels},setup="{escape(config.setup)}",check="{type_of(config.check)}"}}', 1


def _modes(state: State) -> Iterator[Sample]:
    for balancer, labels in _balancers(state):
        for mode in _MODES:
            yield f'{labels},mode="{mode}"}}', int(balancer.mode == mode)


def _totals(state: State) -> Iterator[Sample]:
    return ((labels + "}", balancer.total) for balancer, labels in _balancers(state))


def _alive(state: State) -> Iterator[Sample]:
    return ((labels + "}", balancer.alive) for balancer, labels in _balancers(state))


def _ratios(state: State) -> Iterator[Sample]:
    return ((labels + "}", balancer.alive_ratio) for balancer, labels in _balancers(state))


def _backups(state: State) -> Iterator[Sample]:
    return ((labels + "}", balancer.backups) for balancer, labels in _balancers(state))


def _alive_backups(state: State) -> Iterator[Sample]:
    return ((labels + "}", balancer.backups_alive) for balancer, labels in _balancers(state))


def _unresolved(state: State) -> Iterator[Sample]:
    return ((labels + "}", len(balancer.unresolved)) for balancer, labels in _balancers(state))


def _pools(state: State, value: Callable[[PoolState], int]) -> Iterator[Sample]:
    for balancer, labels in _balancers(state):
        for pool in balancer.config.pools:
            known = state.fleet.pools.get(pool_key(balancer.config.id, pool.id), PoolState())
            yield f'{labels},pool="{escape(pool.id)}"}}', value(known)


def _healthy(state: State) -> Iterator[Sample]:
    for balancer, labels in _balancers(state):
        for real in list(balancer.reals.values()):
            yield f'{labels},real="{real.real}"}}', int(real.healthy)


def _in_rotation(state: State) -> Iterator[Sample]:
    for balancer, labels in _balancers(state):
        for real in list(balancer.reals.values()):
            yield f'{labels},real="{real.real}"}}', int(real.in_rotation)


def _weights(state: State) -> Iterator[Sample]:
    for balancer, labels in _balancers(state):
        for real in list(balancer.reals.values()):
            if real.weight is not None:
                yield f'{labels},real="{real.real}"}}', real.weight


def _slow_starts(state: State) -> Iterator[Sample]:
    for balancer, labels in _balancers(state):
        if balancer.config.slow_start:
            for real in list(balancer.reals.values()):
                yield f'{labels},real="{real.real}"}}', real.tenths / WHOLE


def _applied_weights(state: State) -> Iterator[Sample]:
    for balancer, labels in _balancers(state):
        held = state.data_plane.actual.destinations.get(balancer.config.id, {})
        for real in list(balancer.reals):
            if (destination := held.get(real)) is not None:
                yield f'{labels},real="{real}"}}', destination.weight


def _routes(state: State) -> Iterator[Sample]:
    for prefix in _prefixes(state):
        yield f'{{prefix="{prefix}"}}', int(prefix in state.data_plane.actual.routes)


def _wanted_routes(state: State) -> Iterator[Sample]:
    for prefix in _prefixes(state):
        yield f'{{prefix="{prefix}"}}', int(prefix in state.data_plane.desired.routes)


def _prefixes(state: State) -> dict[str, Route]:
    """Every route that some balancer has, that is wanted, or that is announced."""
    plane = state.data_plane
    configured = (balancer.config.route for balancer in state.fleet.balancers.values())
    routes = {route.prefix: route for route in configured if route is not None}
    return {**routes, **plane.desired.routes, **plane.actual.routes}
