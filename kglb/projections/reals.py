"""What is known of one real and of one balancer, and how a balancer's counts follow its reals."""

from typing import Literal

import msgspec
from msgspec.structs import replace

from kglb.events import SERVED_BY_OTHERS, WHOLE, Mode
from kglb.model import Balancer, Real, RealId


class Drain(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An operator's drain, as record ``seq`` has it; record ``finished`` says that the last connection is gone."""

    seq: int
    who: str
    note: str = ""
    until: float | None = None
    finished: int = 0


class Override(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An operator's weight, as record ``seq`` has it; with ``force_up`` the real counts as up."""

    seq: int
    weight: int
    who: str
    note: str = ""
    until: float | None = None
    force_up: bool = False


class Leaving(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A real that the config no longer has, since record ``seq``; record ``finished`` says that it may go."""

    seq: int
    until: float
    finished: int = 0


class Warming(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A slow start: the real has so many tenths of its weight since record ``seq``, because of record ``cause``."""

    tenths: int
    seq: int
    cause: int


class Orders(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What operators have ordered for one real."""

    drain: Drain | None = None
    override: Override | None = None

    def __bool__(self) -> bool:
        return self.drain is not None or self.override is not None


class RealState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is known of one real of one service. ``*_seq`` name the records that made it so.

    ``entry`` is its place in the config, ``streak`` signed as in ``kglb.decisions.health`` and complete up to the
    last record about this real; ``counted`` is how many probes of the current run it counts since that run began or
    was last closed. It is ``judged`` if it had a verdict before that run, and its balancer awaits verdicts.
    ``reported`` is the weight that its check says, None if it says none. It is ``presumed_warm`` if it is down only for
    want of checks, so that nothing was lost when it turns up; ``warming`` is its slow start, None without one.
    """

    real: RealId
    entry: Real
    healthy: bool
    health_seq: int
    weight: int | None = None
    weight_seq: int = 0
    outcome: Literal["success", "failure", ""] = ""
    reason: str = ""
    detail: str = ""
    run_seq: int = 0
    streak: int = 0
    counted: int = 0
    judged: bool = False
    reported: int | None = None
    reported_seq: int = 0
    orders: Orders = Orders()
    leaving: Leaving | None = None
    presumed_warm: bool = False
    warming: Warming | None = None

    @property
    def up(self) -> bool:
        """Whether it counts as up: its checks have it up, or an operator says so."""
        return self.healthy or self.forced_up

    @property
    def forced_up(self) -> bool:
        """Whether it counts as up by an operator's order, whatever its checks say."""
        return self.orders.override is not None and self.orders.override.force_up

    @property
    def configured(self) -> int:
        """The weight it has when it serves: the operator's, else its check's, else the config's."""
        if self.orders.override is not None or self.reported is None:
            return self.assigned
        return self.reported

    @property
    def assigned(self) -> int:
        """The operator's weight, else the config's, whatever its check says."""
        return self.entry.weight if self.orders.override is None else self.orders.override.weight

    @property
    def drained(self) -> int:
        """The record of the drain in force, 0 if there is none."""
        return 0 if self.orders.drain is None else self.orders.drain.seq

    @property
    def in_rotation(self) -> bool:
        """Whether it is to get traffic when its turn comes: neither drained nor leaving."""
        return self.orders.drain is None and self.leaving is None

    def serves_for(self, pool: str) -> bool:
        """Whether it is up and in rotation, and stands for a member of this pool and for nothing before that."""
        return self.up and self.in_rotation and self.entry.pool == pool

    @property
    def backup(self) -> bool:
        """Whether it serves only in place of the primaries."""
        return self.entry.backup

    @property
    def tenths(self) -> int:
        """How much of its weight it has when it serves."""
        return WHOLE if self.warming is None else self.warming.tenths

    @property
    def has_verdict(self) -> bool:
        """Whether it is up, or has been, or has failed a check."""
        return self.up or self.judged or self.outcome == "failure"


class BalancerState(msgspec.Struct, kw_only=True):
    """One balancer: its config, its reals in the order they came, and what it last decided.

    ``alive`` and ``total`` follow the primaries in rotation; ``awaited`` follows those of them that have no verdict and
    can get one, where the config ``awaits`` them; ``warming`` follows those of them that are in a slow start, and
    ``weightless`` the others that are up at weight 0; ``backups_alive`` and ``backups`` follow the backups in rotation.
    ``decided_alive`` and ``decided_total`` are those of the last decision. ``proven`` says that it has ever served.
    ``unchecked`` are the reals that this machine cannot check, and why; ``unresolved`` the config's names that have
    never had an address, and what the resolver said.
    """

    config: Balancer
    reals: dict[RealId, RealState] = {}
    alive: int = 0
    total: int = 0
    awaits: bool = False
    awaited: int = 0
    backups_alive: int = 0
    backups: int = 0
    warming: int = 0
    weightless: int = 0
    mode: Mode | None = None
    proven: bool = False
    decided_alive: int = 0
    decided_total: int = 0
    decided_seq: int = 0
    unchecked: dict[RealId, str] = {}
    unresolved: dict[str, str] = {}

    @property
    def alive_ratio(self) -> float:
        """Alive primaries over all, 0 without any; 1 in failsafe (as in KgLb, CONFORMANCE C9) and on backups."""
        if self.mode in SERVED_BY_OTHERS:
            return 1.0
        return self.alive / self.total if self.total else 0.0

    def put(self, real: RealState) -> None:
        """Know this of a real from now on."""
        self._count(self.reals.get(real.real), -1)
        self.reals[real.real] = real
        self._count(real, 1)

    def drop(self, real: RealId) -> RealState | None:
        """Know nothing of a real any more; what was known."""
        gone = self.reals.pop(real, None)
        self._count(gone, -1)
        self.unchecked.pop(real, None)
        return gone

    def cannot_check(self, real: RealId, problem: str) -> None:
        """This machine cannot check a real, and why; empty if it can again."""
        known = self.reals.get(real)
        self._count(known, -1)
        if problem:
            self.unchecked[real] = problem
        else:
            self.unchecked.pop(real, None)
        self._count(known, 1)

    def configure(self, config: Balancer, *, awaits: bool) -> None:
        """Have this config from now on, whose entries the reals have already.

        Verdicts are kept only where they are awaited: so of those that are there when it begins, none is.
        """
        self.config = config
        if awaits != self.awaits:
            self.awaits = awaits
            self.reals = {name: replace(real, judged=awaits) for name, real in self.reals.items()}
            self.recount()

    def recount(self) -> None:
        """Count anew: reals may have become backups, or primaries."""
        self.alive = self.total = self.awaited = self.backups_alive = self.backups = self.warming = self.weightless = 0
        for real in self.reals.values():
            self._count(real, 1)

    def _count(self, real: RealState | None, sign: int) -> None:
        if real is None or not real.in_rotation:
            return
        if real.backup:
            self.backups += sign
            self.backups_alive += sign * real.up
        else:
            self.total += sign
            self.alive += sign * real.up
            self.warming += sign * (real.warming is not None)
            self.weightless += sign * (real.up and real.warming is None and real.configured == 0)
            if self.awaits and not real.has_verdict and real.real not in self.unchecked:
                self.awaited += sign
