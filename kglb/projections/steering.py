"""How a balancer's reals follow what operators order, what leaves the config, and what checks say of weights.

An order is about what the config calls a real, so it is kept while the real itself is not there: between a stop and
the next start, and while a name moves from one address to another.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from kglb.events import (
    DrainFinished,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRestored,
    Steering,
    WeightOverridden,
    WeightReported,
)
from kglb.model import Balancer, ServiceId
from kglb.projections.pools import PoolState, pool_key
from kglb.projections.reals import BalancerState, Drain, Leaving, Orders, Override, RealState

Kept = dict[str, Orders]
"""Orders about reals that are not there, by ``name_key``."""


def name_key(service: ServiceId, host: str) -> str:
    """What identifies a real of the config: its service and what the config calls it."""
    return f"{service} {host}"


def keep_orders(kept: Kept, config: Balancer, real: RealState, pools: Mapping[str, PoolState]) -> None:
    """Keep what was ordered about a real that goes, if the config, or its pool, still has what it is called."""
    orders = real.orders
    if orders and _is_called(config, real, pools):
        if orders.drain is not None:
            orders = replace(orders, drain=replace(orders.drain, finished=0))
        kept[name_key(config.id, real.entry.host)] = orders


def _is_called(config: Balancer, real: RealState, pools: Mapping[str, PoolState]) -> bool:
    if real.entry.pool:
        pool = pools.get(pool_key(config.id, real.entry.pool))
        return pool is not None and real.real in pool.members
    return any(entry.host == real.entry.host for entry in config.reals)


def configured_keys(balancers: Iterable[Balancer]) -> set[str]:
    """The ``name_key`` of every real that the config has."""
    return {name_key(balancer.id, entry.host) for balancer in balancers for entry in balancer.reals}


def forget_unconfigured(kept: Kept, balancers: Iterable[Balancer], pools: Mapping[str, PoolState]) -> None:
    """Keep only what was ordered about reals that the config or a pool has."""
    if kept:
        listed = configured_keys(balancers)
        named = {
            name_key(balancer.id, real)
            for balancer in balancers
            for pool in balancer.pools
            if (known := pools.get(pool_key(balancer.id, pool.id))) is not None
            for real in known.members
        }
        for key in kept.keys() - listed - named:
            del kept[key]


def steer(balancer: BalancerState, seq: int, event: Steering) -> None:
    """Take in an event about one of the balancer's reals."""
    if (real := balancer.reals.get(event.real)) is not None:
        balancer.put(_STEPS[type(event)](real, seq, event))


def _drained(real: RealState, seq: int, event: RealDrained) -> RealState:
    drain = Drain(seq=seq, who=event.who, note=event.note, until=event.until)
    return replace(real, orders=replace(real.orders, drain=drain), presumed_warm=False, warming=None)


def _overridden(real: RealState, seq: int, event: WeightOverridden) -> RealState:
    override = Override(
        seq=seq, weight=event.weight, who=event.who, note=event.note, until=event.until, force_up=event.force_up
    )
    return _with_orders(real, replace(real.orders, override=override))


def _restored(real: RealState, seq: int, event: RealRestored) -> RealState:
    orders = real.orders
    if "drain" in event.ended:
        orders = replace(orders, drain=None)
    if "weight" in event.ended:
        orders = replace(orders, override=None)
    return _with_orders(real, orders)


def _with_orders(real: RealState, orders: Orders) -> RealState:
    """With these in force; one that is down with them, and was not before, has no slow start any more."""
    ordered = replace(real, orders=orders)
    return ordered if ordered.up else replace(ordered, warming=None)


def _finished(real: RealState, seq: int, event: DrainFinished) -> RealState:
    if real.leaving is not None:
        return replace(real, leaving=replace(real.leaving, finished=seq))
    if real.orders.drain is not None:
        return replace(real, orders=replace(real.orders, drain=replace(real.orders.drain, finished=seq)))
    return real


def _left(real: RealState, seq: int, event: RealLeaving) -> RealState:
    leaving = Leaving(seq=seq, until=event.until)
    return replace(real, leaving=leaving, orders=Orders(), presumed_warm=False, warming=None)


def _kept(real: RealState, seq: int, event: RealKept) -> RealState:
    return replace(real, leaving=None, entry=event.entry, warming=None if event.entry.backup else real.warming)


def _reported(real: RealState, seq: int, event: WeightReported) -> RealState:
    return replace(real, reported=event.weight, reported_seq=seq)


_STEPS: dict[type, Callable[[RealState, int, Any], RealState]] = {
    RealDrained: _drained,
    WeightOverridden: _overridden,
    RealRestored: _restored,
    DrainFinished: _finished,
    RealLeaving: _left,
    RealKept: _kept,
    WeightReported: _reported,
}
