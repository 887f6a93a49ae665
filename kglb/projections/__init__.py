"""Projections: what the journal's events add up to. Folds and the planner; they never read a clock or do I/O.

A fold changes its projection in place; what leaves one (an entry, a plan) is immutable. ``State`` holds them all and
is what a checkpoint stores.
"""

from kglb.projections.dataplane import DataPlaneState
from kglb.projections.drift import address_drift, entry_drift, interfaces, route_drift
from kglb.projections.fleet import FleetState
from kglb.projections.handover import Serving, successors
from kglb.projections.holding import Dirty, Holding
from kglb.projections.marks import HeldMark, MarksState
from kglb.projections.plan import Planned, plan
from kglb.projections.pools import PoolState, pool_key
from kglb.projections.reals import BalancerState, Drain, Leaving, Orders, Override, RealState, Warming
from kglb.projections.state import FoldError, State
from kglb.projections.steering import name_key

__all__ = [
    "BalancerState",
    "DataPlaneState",
    "Dirty",
    "Drain",
    "FleetState",
    "FoldError",
    "HeldMark",
    "Holding",
    "Leaving",
    "MarksState",
    "Orders",
    "Override",
    "Planned",
    "PoolState",
    "RealState",
    "Serving",
    "State",
    "Warming",
    "address_drift",
    "entry_drift",
    "interfaces",
    "name_key",
    "plan",
    "pool_key",
    "route_drift",
    "successors",
]
