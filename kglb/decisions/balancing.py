"""What does a balancer do with its reals? Its mode, and the weight of each real.

A real is a primary or, with ``backup = true``, a backup: a sorry server, or one of a pool to fail over to. The mode
follows from how many of each are in rotation and up, from whether the service has ever served (since the daemon first
knew it in this boot), and from the policy for too few. The first line that is true:

    what is so                                                      mode           who gets traffic
    --------------------------------------------------------------  -------------  -----------------------------
    no real is in rotation                                          no_upstreams   nobody
    a primary is up, and enough are, or a backup is up              available      primaries that are up
    a primary is up                                                 failsafe       every primary
    a backup is up, and it has ever served or none is awaited       backup         backups that are up
    it has never served                                             initial        nobody
    when_all_down = fail_open                                       failsafe       every primary, or every backup
    when_all_down = fail_closed                                     unavailable    nobody
    --------------------------------------------------------------  -------------  -----------------------------
    the daemon cleaned up                                           shutdown       nobody

Failsafe does as if every real were up: so backups stand by in it, unless there is no primary in rotation. All modes but
``backup`` and ``unavailable`` are KgLb's (balancer.go; CONFORMANCE C1, C9, C10).

A drained or leaving real is out of rotation: its weight is 0, in failsafe too, and it is in no count. So draining some
of the reals changes no ratio that a route depends on, and with all primaries drained the backups serve. With every real
drained nobody is left to send to, as if there were none: no_upstreams, and the route goes where others can serve.

A primary is *awaited* until its first verdict: it is down, and no check of it has failed yet. A start hears of failures
and successes in any order, and ``rise`` successes take longer than one failure. So

- before the service has served, backups wait until every primary is up or has failed a check: a start does not flap
  through the sorry server. One failure is enough, as the real is down already; ``fall`` are not recorded of such a one.
  A primary that this machine cannot check is not awaited;
- an awaited primary counts as up where ``fail_open_below`` asks whether enough are: neither a start nor twenty reals
  more are taken for an outage.

Too few is a share of primaries below ``fail_open_below`` (Envoy's panic threshold, PyBal's depool threshold; 0 is
never): the checks are then less believable than the servers. A backup that is up says otherwise: the same check can
pass, and somebody is there to take over. So the threshold holds only while no backup is up. Else the way back from a
full outage would lead from a sorry server that answers to primaries most of which are known not to.

There is no hysteresis at any of these lines. What damps them is what damps health: a real crosses one after ``fall``
failures or ``rise`` successes in a row.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from kglb.events import WHOLE, ChecksImpossible, ChecksResumed, Event, Mode, ProbeFlipped
from kglb.model import Balancer, RealId, WhenAllDown


class Standing(Protocol):
    """What a decision needs to know of one real."""

    @property
    def up(self) -> bool:
        """Whether it counts as up: by its checks, or by an operator's order."""

    @property
    def configured(self) -> int:
        """Its weight when it serves."""

    @property
    def in_rotation(self) -> bool:
        """Whether it is to get traffic when its turn comes."""

    @property
    def backup(self) -> bool:
        """Whether it serves only in place of the primaries."""

    @property
    def weight(self) -> int | None:
        """Its weight as last decided; None before the first decision."""

    @property
    def tenths(self) -> int:
        """How much of its weight it has when it serves: less than 10 in a slow start (``slow_start``)."""

    @property
    def presumed_warm(self) -> bool:
        """Whether it needs no slow start when it turns up."""


class Counts(NamedTuple):
    """Reals in rotation: primaries that are up, primaries, those that are awaited; backups that are up, backups."""

    alive: int
    total: int
    awaited: int = 0
    backups_alive: int = 0
    backups: int = 0


class Policy(NamedTuple):
    """What the config says of too few reals: what follows when none is up, and below which share of primaries."""

    when_all_down: WhenAllDown = "fail_open"
    fail_open_below: float = 0.0


class Duty(NamedTuple):
    """Who is to get traffic: the primaries or the backups, and whether those that are down are, too."""

    backups: bool
    even_down: bool


_PRIMARIES, _BACKUPS = Duty(backups=False, even_down=False), Duty(backups=True, even_down=False)
_EVERY_PRIMARY, _EVERY_BACKUP = Duty(backups=False, even_down=True), Duty(backups=True, even_down=True)


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
        """How many primaries in rotation are up."""

    @property
    def total(self) -> int:
        """How many primaries are in rotation."""

    @property
    def awaited(self) -> int:
        """How many of them have had no verdict yet."""

    @property
    def backups_alive(self) -> int:
        """How many backups in rotation are up."""

    @property
    def backups(self) -> int:
        """How many backups are in rotation."""

    @property
    def warming(self) -> int:
        """How many of the primaries that are up are in a slow start."""

    @property
    def weightless(self) -> int:
        """How many of the others that are up have weight 0."""

    @property
    def proven(self) -> bool:
        """Whether the service has ever served."""

    @property
    def mode(self) -> Mode | None:
        """Its mode as last decided; None before the first decision."""

    @property
    def decided_alive(self) -> int:
        """How many primaries were up then."""

    @property
    def decided_total(self) -> int:
        """How many primaries were in rotation then."""


class Decision(msgspec.Struct, frozen=True):
    """A mode, and the weights that change with it."""

    mode: Mode
    weights: dict[RealId, int]


def mode_of(counts: Counts, proven: bool, policy: Policy) -> Mode:
    """The mode by the table above; ``proven`` is whether the service has ever served."""
    if counts.total + counts.backups == 0:
        return "no_upstreams"
    if counts.alive > 0:
        enough = (counts.alive + counts.awaited) / counts.total >= policy.fail_open_below
        return "available" if enough or counts.backups_alive > 0 else "failsafe"
    if counts.backups_alive > 0 and (proven or counts.awaited == 0):
        return "backup"
    if not proven:
        return "initial"
    return "failsafe" if policy.when_all_down == "fail_open" else "unavailable"


def duty_of(mode: Mode | None, total: int) -> Duty:
    """Who gets traffic in this mode, with so many primaries in rotation."""
    if mode == "failsafe":
        return _EVERY_PRIMARY if total else _EVERY_BACKUP
    return _BACKUPS if mode == "backup" else _PRIMARIES


def weight_of(standing: Standing, duty: Duty) -> int:
    """The weight of one real while these are on duty."""
    on_duty = standing.in_rotation and standing.backup == duty.backups
    return share(standing.configured, standing.tenths) if on_duty and (standing.up or duty.even_down) else 0


def share(weight: int, tenths: int) -> int:
    """So many tenths of a weight, rounded up: at least 1 of any weight but 0.

    >>> [share(weight, 1) for weight in (0, 1, 15, 1000)]
    [0, 1, 2, 100]
    """
    return -(-weight * tenths // WHOLE)


def decide(
    *,
    before: Duty,
    counts: Counts,
    proven: bool,
    policy: Policy,
    standings: Mapping[RealId, Standing],
    touched: Iterable[RealId],
) -> Decision:
    """Mode and changed weights after something happened to the ``touched`` reals.

    Looks at all reals only when others come on duty; else the work is that of ``touched``.
    """
    mode = mode_of(counts, proven, policy)
    duty = duty_of(mode, counts.total)
    weights = {}
    for real in touched if duty == before else standings:
        standing = standings.get(real)
        if standing is not None and (weight := weight_of(standing, duty)) != standing.weight:
            weights[real] = weight
    return Decision(mode, weights)


def decide_for(balancer: Balancing, touched: Iterable[RealId]) -> Decision:
    """What ``decide`` says of a balancer as it stands."""
    return decide(
        before=duty_of(balancer.mode, balancer.decided_total),
        counts=_counts_of(balancer),
        proven=balancer.proven,
        policy=_policy_of(balancer),
        standings=balancer.reals,
        touched=touched,
    )


def duty_for(balancer: Balancing) -> Duty:
    """Who is to get traffic from a balancer as it stands."""
    mode = mode_of(_counts_of(balancer), balancer.proven, _policy_of(balancer))
    return duty_of(mode, balancer.total)


def _counts_of(balancer: Balancing) -> Counts:
    return Counts(balancer.alive, balancer.total, balancer.awaited, balancer.backups_alive, balancer.backups)


def _policy_of(balancer: Balancing) -> Policy:
    return Policy(balancer.config.when_all_down, balancer.config.fail_open_below)


def verdicts_of(event: Event) -> tuple[RealId, ...]:
    """The reals that may be awaited no more, or again, after this event; those of a change of health go without saying.

    Of outcome runs only a failure is a verdict.
    """
    match event:
        case ProbeFlipped(outcome="failure", real=real):
            return (real,)
        case ChecksImpossible(reals=reals) | ChecksResumed(reals=reals):
            return reals
        case _:
            return ()


def is_news(balancer: Balancing, decision: Decision) -> bool:
    """Whether a decision differs from the last one, so that it is to be recorded."""
    last = (balancer.mode, balancer.decided_alive, balancer.decided_total)
    return bool(decision.weights) or (decision.mode, balancer.alive, balancer.total) != last
