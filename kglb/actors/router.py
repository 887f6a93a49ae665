"""The router: decides which routes are to be announced, whenever a balancer begins or ceases to allow its own.

It tells nobody; it records ``RoutesDecided``, and the applier acts on it. It never talks to a BGP speaker.
"""

from collections.abc import Mapping
from typing import Any

from pykka import ActorRef

from kglb.actors.parts import Parts
from kglb.actors.recorder import Fact, RecordingActor
from kglb.decisions import candidate_of, candidates_of, may_announce, route_changes
from kglb.events import BalancerDecided, ConfigApplied, RoutesDecided
from kglb.model import Route, ServiceId


class Router(RecordingActor):
    """Keeps the wanted routes in step with what the balancers decided. One balancer's news costs constant time
    unless it changes what that balancer allows.
    """

    def __init__(self, parts: Parts, *, parent: ActorRef[Any]) -> None:
        super().__init__(parts.scheduler, parts.recorder, key="router", parent=parent)
        self._allows: dict[ServiceId, bool] = {}
        self._because: int | None = None

    def on_start(self) -> None:
        """Decide once for what the balancers have decided so far."""
        self.recorder.subscribe(self.actor_ref, BalancerDecided, ConfigApplied)
        self._because = self.recorder.last_seq
        self.on_drained()

    def on_receive(self, message: object) -> None:
        """Note whether anything is different that counts; decide when all is noted."""
        match message:
            case Fact(seq, _, ConfigApplied()):
                self._because = seq
            case Fact(seq, _, BalancerDecided(service=service)):
                balancer = self.recorder.state.fleet.balancers.get(service)
                candidate = None if balancer is None else candidate_of(balancer)
                if candidate is not None and may_announce(candidate, self._wanted) != self._allows.get(service):
                    self._because = seq
            case _:
                raise TypeError(f"a router is not told {message!r}")

    def on_drained(self) -> None:
        """Decide, if anything that counts has changed."""
        if self._because is None:
            return
        cause, self._because = self._because, None
        fleet = self.recorder.state.fleet
        candidates = candidates_of(fleet.config, fleet.balancers)
        changes = route_changes(candidates.values(), self._wanted)
        if changes.announce or changes.withdraw:
            self.recorder.record(RoutesDecided(announce=changes.announce, withdraw=changes.withdraw), cause=cause)
        wanted = self._wanted  # with what has just been decided: a balancer's line may be its other one
        self._allows = {service: may_announce(candidate, wanted) for service, candidate in candidates.items()}

    @property
    def _wanted(self) -> Mapping[str, Route]:
        """The routes that are announced, as decided last, by prefix."""
        return self.recorder.state.data_plane.desired.routes
