"""What balancers decide: weights, and which routes may be announced."""

from typing import Literal

import msgspec

from kglb.events.base import EventBase
from kglb.model import RealId, Route, ServiceId

Mode = Literal["initial", "available", "backup", "failsafe", "unavailable", "no_upstreams", "shutdown"]
"""What a balancer does with its reals; the states and their transitions stand in ``kglb.decisions.balancing``."""

SERVED_BY_OTHERS: tuple[Mode, ...] = ("backup", "failsafe")
"""The modes in which a service counts as served whole, however few of its primaries are up."""


class BalancerDecided(EventBase, frozen=True, kw_only=True):
    """A balancer's mode, how many of its primaries are up and in rotation, and the weights that *changed*, with the seq
    that caused each.

    ``seen`` is the last record the balancer had taken into account.
    """

    service: ServiceId
    balancer: str
    mode: Mode
    alive: int
    total: int
    weights: dict[RealId, int]
    causes: dict[RealId, int] = msgspec.field(default_factory=dict)
    seen: int


WHOLE = 10
"""Tenths of its weight that a real has without a slow start."""


class WarmthChanged(EventBase, frozen=True, kw_only=True):
    """What these reals have of their weight now, in tenths: 1 begins a slow start, 10 ends it.

    The steps between are due by the clock. ``causes`` has the record that began each slow start, or ended it before its
    time.
    """

    service: ServiceId
    tenths: dict[RealId, int]
    causes: dict[RealId, int]


class RoutesDecided(EventBase, frozen=True, kw_only=True):
    """Which routes are to be announced now that were not (or otherwise), and which are not any more, by prefix."""

    announce: tuple[Route, ...] = ()
    withdraw: tuple[str, ...] = ()


class RouteAnnounced(EventBase, frozen=True, kw_only=True):
    """The BGP engine has acknowledged the route: its peers are told."""

    route: Route


class RouteWithdrawn(EventBase, frozen=True, kw_only=True):
    """The BGP engine has acknowledged that the route is gone; packets may still arrive for its hold time: ``until``
    that second of the boot, as a record's ``mono`` counts them (0 where an older version recorded it).
    """

    route: Route
    until: float = 0.0


BalancingEvent = BalancerDecided | WarmthChanged | RoutesDecided | RouteAnnounced | RouteWithdrawn
