"""Did each balancer decide its mode and its weights as it should, for all that had happened, and in time?"""

from kglb.decisions import decide_for, is_news
from kglb.events import BalancerDecided, Record, WarmthChanged
from kglb.model import RealId, ServiceId
from kglb.projections import BalancerState, FleetState
from kglb.replay.audit.diverged import Diverged, wrong_cause
from kglb.replay.audit.overdue import Overdue
from kglb.replay.audit.slow_starts import check_none_missing, check_warmth
from kglb.replay.words import listed


class BalancingAudit:
    """Decisions of all balancers; remembers which reals something has happened to since the last one, and in which
    record. What was recorded up to ``since`` it has not seen.
    """

    def __init__(self, fleet: FleetState, since: int) -> None:
        self._fleet = fleet
        self._since = since
        self._touched = {id: dict.fromkeys(balancer.reals, since) for id, balancer in fleet.balancers.items()}
        self._verdicts: dict[ServiceId, dict[RealId, int]] = {}  # the newest of each, whatever touched it before
        self._overdue: Overdue[ServiceId] = Overdue()
        self._warmed: dict[ServiceId, int] = {}  # the record that brought its slow starts in step

    def decided(self, record: Record[BalancerDecided]) -> None:
        """Mode, counts and weights are what the decision code says; every weight names what changed it."""
        seq, cause, event = record.seq, record.cause, record.event
        balancer = self._fleet.balancers.get(event.service)
        if balancer is None:
            return
        about = f"{event.balancer} ({event.service})"
        touched = self._touched.pop(event.service, {})
        verdicts = self._verdicts.pop(event.service, {})
        self._overdue.met(event.service)
        if (event.alive, event.total) != (balancer.alive, balancer.total):
            decided = f"{balancer.alive} of {balancer.total} alive"
            raise Diverged(about, recorded=f"{event.alive} of {event.total} alive", decided=decided)
        if self._warmed.get(event.service) != seq - 1:
            check_none_missing(about, balancer, touched)
        expected = decide_for(balancer, touched)
        if event.mode != expected.mode:
            raise Diverged(about, recorded=f"mode {event.mode}", decided=f"mode {expected.mode}")
        if event.weights != expected.weights:
            raise _other_weights(about, event.weights, expected.weights)
        if event.seen != seq - 1:
            raise Diverged(about, recorded=f"that it had seen record {event.seen}", decided=f"record {seq - 1}")
        self._are_causes(about, cause, event, balancer, touched)
        self._is_trigger(about, cause, balancer, {*touched.values(), *verdicts.values()})

    def warmed(self, record: Record[WarmthChanged]) -> None:
        """Slow starts are in step with all that had happened."""
        service = record.event.service
        if (balancer := self._fleet.balancers.get(service)) is not None:
            check_warmth(record, balancer, self._touched.get(service, {}))
            self._warmed[service] = record.seq

    def _are_causes(
        self, about: str, cause: int | None, event: BalancerDecided, balancer: BalancerState, touched: dict[RealId, int]
    ) -> None:
        """A weight changes because of something about its real, or of what made the balancer decide."""
        general = {self._fleet.config_seq, cause}
        for real in event.weights:
            known = {touched.get(real), balancer.reals[real].health_seq} | general
            if (named := event.causes.get(real)) not in known and (named or 0) > self._since:
                raise wrong_cause(f"{real} in {about}", named, f"a record about {real}, as {touched.get(real)}")

    def _is_trigger(self, about: str, cause: int | None, balancer: BalancerState, happened: set[int]) -> None:
        """A balancer decides because of something about its reals."""
        if happened and cause != self._fleet.config_seq and cause not in happened:
            known = {real.health_seq for real in balancer.reals.values()}
            if cause is None or (cause not in known and cause > self._since):
                raise wrong_cause(about, cause, f"a record about its reals, as {max(happened)}")

    def happened(self, seq: int, mono: float, service: ServiceId, real: RealId) -> None:
        """Something happened to a real that its weight may depend on; already folded."""
        if service in self._fleet.balancers:
            self._touched.setdefault(service, {})[real] = seq
            self._overdue.expect(service, mono)

    def judged(self, seq: int, mono: float, service: ServiceId, real: RealId) -> None:
        """A real may have had its first verdict, or can have none; already folded."""
        self._touched.setdefault(service, {}).setdefault(real, seq)
        self._verdicts.setdefault(service, {})[real] = seq
        self._overdue.expect(service, mono)

    def configured(self, seq: int, mono: float) -> None:
        """Every balancer may decide otherwise; already folded."""
        for id, balancer in self._fleet.balancers.items():
            self._touched[id] = dict.fromkeys(balancer.reals, seq) | self._touched.get(id, {})
            self._overdue.expect(id, mono)

    def crashed(self, service: ServiceId, mono: float) -> None:
        """A balancer cannot decide before ``mono``."""
        if service in self._fleet.balancers:
            self._overdue.postpone(service, mono)

    def stopped(self) -> None:
        """Nobody decides any more."""
        self._overdue.clear()

    def in_time(self, mono: float) -> None:
        """No decision is missing."""
        while (id := self._overdue.missed(mono)) is not None:
            balancer = self._fleet.balancers.get(id)
            touched = self._touched.get(id, {})
            if balancer is not None and is_news(balancer, expected := decide_for(balancer, touched)):
                decided = f"mode {expected.mode}, {_weights(expected.weights)}"
                raise Diverged(f"{balancer.config.name} ({id})", recorded="no decision", decided=decided)


def _other_weights(about: str, recorded: dict[RealId, int], decided: dict[RealId, int]) -> Diverged:
    """Show each side without what both have."""
    return Diverged(
        about,
        recorded=_weights(dict(recorded.items() - decided.items())),
        decided=_weights(dict(decided.items() - recorded.items())),
    )


def _weights(weights: dict[RealId, int]) -> str:
    return listed(f"weight {weight} for {real}" for real, weight in sorted(weights.items())) or "no other weight"
