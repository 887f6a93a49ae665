"""Are the routes that are wanted those that the balancers' decisions allow, and was it decided in time?"""

from collections import deque
from collections.abc import Mapping

from kglb.decisions import Candidate, candidate_of, candidates_of, may_announce, route_changes
from kglb.events import BalancerDecided, Record, RoutesDecided
from kglb.model import Route, ServiceId
from kglb.projections import State
from kglb.replay.audit.diverged import Diverged, wrong_cause
from kglb.replay.audit.overdue import Overdue
from kglb.replay.words import listed

_REMEMBERED = 100_000
"""Records that a decision may name as its cause: more than one turn of a loop can bring."""


class RoutingAudit:
    """Routes of all balancers; remembers the last records that may have changed what is to be announced."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._allows: dict[ServiceId, bool] = {}
        self._reasons: deque[int] = deque(maxlen=_REMEMBERED)
        self._any_reason = True
        self._overdue: Overdue[str] = Overdue()

    def decided(self, record: Record[RoutesDecided]) -> None:
        """What is to be announced and what not is what the decision code says."""
        cause, event = record.cause, record.event
        expected = self._decide()
        for what, recorded, decided in (
            ("announce", [str(route) for route in event.announce], [str(route) for route in expected.announce]),
            ("withdraw", list(event.withdraw), list(expected.withdraw)),
        ):
            if recorded != decided:
                raise Diverged(f"routes to {what}", recorded=listed(recorded), decided=listed(decided))
        if event != expected:
            raise Diverged("routes to announce", recorded=str(event.announce), decided=str(expected.announce))
        self._overdue.clear()
        any_reason, self._any_reason = self._any_reason, False
        if cause not in self._reasons and not any_reason:
            raise wrong_cause("routes", cause, "a decision of a balancer that has a route")
        self._reasons.clear()

    def balanced(self, record: Record[BalancerDecided]) -> None:
        """A balancer may allow its route, or not any more; already folded."""
        event = record.event
        balancer = self._state.fleet.balancers.get(event.service)
        candidate = None if balancer is None else candidate_of(balancer)
        if candidate is None:
            return
        self._reasons.append(record.seq)
        allows = may_announce(candidate, self._wanted)
        if self._allows.get(event.service) != allows:
            self._allows[event.service] = allows
            self._overdue.expect("routes", record.mono)

    def configured(self, seq: int, mono: float) -> None:
        """Any route may be another; already folded."""
        self._note_who_allows()
        self._reasons.append(seq)
        self._overdue.expect("routes", mono)

    def settled(self) -> None:
        """Other routes are wanted, so that it may take another share to allow one; already folded."""
        self._note_who_allows()

    def started_again(self, mono: float) -> None:
        """The router starts at ``mono``, and decides for whatever was recorded last."""
        self._any_reason = True
        self._overdue.postpone("routes", mono)

    def stopped(self) -> None:
        """Nobody decides any more."""
        self._overdue.clear()

    def in_time(self, mono: float) -> None:
        """No decision is missing."""
        if self._overdue.missed(mono):
            missing = self._decide()
            if missing.announce or missing.withdraw:
                decided = listed([*map(str, missing.announce), *(f"not {prefix}" for prefix in missing.withdraw)])
                raise Diverged("routes", recorded="no decision", decided=decided)

    def _decide(self) -> RoutesDecided:
        changes = route_changes(self._candidates().values(), self._wanted)
        return RoutesDecided(announce=changes.announce, withdraw=changes.withdraw)

    def _note_who_allows(self) -> None:
        wanted = self._wanted
        self._allows = {id: may_announce(candidate, wanted) for id, candidate in self._candidates().items()}

    @property
    def _wanted(self) -> Mapping[str, Route]:
        return self._state.data_plane.desired.routes

    def _candidates(self) -> dict[ServiceId, Candidate]:
        return candidates_of(self._state.fleet.config, self._state.fleet.balancers)
