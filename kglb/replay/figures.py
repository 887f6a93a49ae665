"""What a stretch of decisions comes to: weights changed, traffic withheld, how few reals were alive."""

import msgspec
from msgspec.structs import replace

from kglb.events import BalancerDecided, Mode
from kglb.model import RealId, ServiceId
from kglb.projections import BalancerState, FleetState

_SERVING = ("available", "backup", "failsafe", "unavailable")
"""The modes of a balancer that has reals of which at least one was alive at some time."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one balancer. ``lowest_alive`` is the lowest share of primaries alive that it began with or fell to, None if
    it only rose.

    ``failsafe`` is for how many seconds it sent to all reals as too few were alive, ``backup`` for how many to its
    backups as no primary was. ``weights`` counts the weights that the kernel was to have otherwise.
    """

    transitions: int = 0
    lowest_alive: float | None = None
    failsafe: float = 0.0
    backup: float = 0.0
    weights: int = 0


class Ledger:
    """Adds up decisions in the order of time. ``out`` are the seconds for which each real had weight 0."""

    def __init__(self) -> None:
        self.figures: dict[ServiceId, Figures] = {}
        self.out: dict[tuple[ServiceId, RealId], float] = {}
        self._out_since: dict[tuple[ServiceId, RealId], float] = {}
        self._modes: dict[ServiceId, tuple[Mode | None, float]] = {}
        self._shares: dict[ServiceId, float] = {}

    def begin(self, fleet: FleetState, now: float) -> None:
        """Go on from what was decided before."""
        for service, balancer in fleet.balancers.items():
            self._modes[service] = (balancer.mode, now)
            if balancer.mode in _SERVING:
                self._fall_to(service, balancer.decided_alive, balancer.decided_total)
            for name, real in balancer.reals.items():
                self._weight(service, name, real.weight or 0, now)

    def decided(self, balancer: BalancerState, event: BalancerDecided, now: float) -> None:
        """A balancer decides; not folded yet."""
        changed = 0
        for name, weight in event.weights.items():
            real = balancer.reals.get(name)
            changed += real is not None and (real.weight or 0) != weight
            self._weight(event.service, name, weight, now)
        self._mode(event.service, event.mode, now)
        figures = self._of(event.service)
        self.figures[event.service] = replace(figures, weights=figures.weights + changed)
        if event.mode in _SERVING:
            self._fall_to(event.service, event.alive, event.total, self._shares.get(event.service, 0.0))

    def _fall_to(self, service: ServiceId, alive: int, total: int, before: float = 1.0) -> None:
        share = self._shares[service] = alive / total if total else 0.0
        figures = self._of(service)
        if share < before and share < (1.0 if figures.lowest_alive is None else figures.lowest_alive):
            self.figures[service] = replace(figures, lowest_alive=share)

    def changed(self, service: ServiceId) -> None:
        """The health of a real has changed."""
        figures = self._of(service)
        self.figures[service] = replace(figures, transitions=figures.transitions + 1)

    def removed(self, service: ServiceId, real: RealId, now: float) -> None:
        """A real is there no more."""
        self._weight(service, real, 1, now)

    def stop(self, now: float) -> None:
        """Nobody decides any more: count nothing from now on."""
        for service, real in list(self._out_since):
            self._weight(service, real, 1, now)
        for service in list(self._modes):
            self._mode(service, None, now)

    def _of(self, service: ServiceId) -> Figures:
        return self.figures.setdefault(service, Figures())

    def _weight(self, service: ServiceId, real: RealId, weight: int, now: float) -> None:
        key = (service, real)
        self.out.setdefault(key, 0.0)
        if weight:
            self.out[key] += now - self._out_since.pop(key, now)
        else:
            self._out_since.setdefault(key, now)

    def _mode(self, service: ServiceId, mode: Mode | None, now: float) -> None:
        before, since = self._modes.get(service, (None, now))
        figures = self._of(service)
        if before == "failsafe":
            self.figures[service] = replace(figures, failsafe=figures.failsafe + now - since)
        elif before == "backup":
            self.figures[service] = replace(figures, backup=figures.backup + now - since)
        self._modes[service] = (mode, now)
