"""What does a balancer do with its reals? Its mode, and the weight of each real.

The mode follows from four facts: how many reals are in rotation, how many of them are alive, whether any has ever been
(since the daemon first served this service in this boot), and the policy for the case that all are down.

    total = 0 ............................................ no_upstreams   all weights 0
    alive > 0 ............................................ available
    alive = 0, none has ever been alive .................. initial        all weights 0
    alive = 0, when_all_down = fail_open ................. failsafe       all weights as if healthy
    alive = 0, when_all_down = fail_closed ............... unavailable    all weights 0
    the daemon cleaned up ................................ shutdown

A drained or leaving real is out of rotation: its weight is 0, in failsafe too, and it is in neither count. So draining
some of the reals changes no ratio that a route depends on. With all of them drained nobody is left to send to, as if
there were none: no_upstreams, and the route goes where others can serve.

The first five are KgLb's (balancer.go; CONFORMANCE C1, C9, C10), but that KgLb knows no fail_closed.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from kglb.events import Mode
from kglb.model import Balancer, RealId, WhenAllDown


class Standing(Protocol):
    """What a decision needs to know of one real."""

    @property
    def healthy(self) -> bool:
        """Whether its checks have it up."""

    @property
    def configured(self) -> int:
        """Its weight when up."""

    @property
    def in_rotation(self) -> bool:
        """Whether it is to get traffic when up."""

    @property
    def weight(self) -> int | None:
        """Its weight as last decided; None before the first decision."""


class Balancing(Protocol):
    """What a decision needs to know of a balancer: its config, its reals, and what it decided last."""

    @property
    def config(self) -> Balancer:
        """Its place in the config."""

    @property
    def reals(self) -> Mapping[RealId, Standing]:
        """Its reals."""

    @property
    def alive(self) -> int:
        """How many of those in rotation are up."""

    @property
    def total(self) -> int:
        """How many are in rotation."""

    @property
    def proven(self) -> bool:
        """Whether any has ever been up."""

    @property
    def mode(self) -> Mode | None:
        """Its mode as last decided; None before the first decision."""

    @property
    def decided_alive(self) -> int:
        """How many were up then."""

    @property
    def decided_total(self) -> int:
        """How many were in rotation then."""


class Decision(msgspec.Struct, frozen=True):
    """A mode, and the weights that change with it."""

    mode: Mode
    weights: dict[RealId, int]


def mode_of(alive: int, total: int, proven: bool, when_all_down: WhenAllDown) -> Mode:
    """The mode by the table above; ``proven`` is whether any real has ever been alive."""
    if total == 0:
        return "no_upstreams"
    if alive > 0:
        return "available"
    if not proven:
        return "initial"
    return "failsafe" if when_all_down == "fail_open" else "unavailable"


def weight_of(standing: Standing, mode: Mode) -> int:
    """The weight of one real in this mode."""
    gets_traffic = standing.in_rotation and (standing.healthy or mode == "failsafe")
    return standing.configured if gets_traffic else 0


def decide(
    *,
    before: Mode | None,
    alive: int,
    total: int,
    proven: bool,
    when_all_down: WhenAllDown,
    standings: Mapping[RealId, Standing],
    touched: Iterable[RealId],
) -> Decision:
    """Mode and changed weights after something happened to the ``touched`` reals.

    Looks at all reals only when the balancer enters or leaves failsafe; else the work is that of ``touched``.
    """
    mode = mode_of(alive, total, proven, when_all_down)
    every_real = (before == "failsafe") != (mode == "failsafe")
    weights = {}
    for real in standings if every_real else touched:
        standing = standings.get(real)
        if standing is not None and (weight := weight_of(standing, mode)) != standing.weight:
            weights[real] = weight
    return Decision(mode, weights)


def decide_for(balancer: Balancing, touched: Iterable[RealId]) -> Decision:
    """What ``decide`` says of a balancer as it stands."""
    return decide(
        before=balancer.mode,
        alive=balancer.alive,
        total=balancer.total,
        proven=balancer.proven,
        when_all_down=balancer.config.when_all_down,
        standings=balancer.reals,
        touched=touched,
    )


def is_news(balancer: Balancing, decision: Decision) -> bool:
    """Whether a decision differs from the last one, so that it is to be recorded."""
    last = (balancer.mode, balancer.decided_alive, balancer.decided_total)
    return bool(decision.weights) or (decision.mode, balancer.alive, balancer.total) != last
