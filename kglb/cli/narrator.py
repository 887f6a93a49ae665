"""Events of the running daemon in words, from the state it is in now: for the log and the page."""

from collections.abc import Iterable

from kglb.events import Event, ProbeFlipped
from kglb.model import RealId, ServiceId
from kglb.projections import RealState, State
from kglb.projections.view import EventView
from kglb.replay import steering_sentences
from kglb.replay.about import pairs
from kglb.replay.event_view import event_view
from kglb.replay.names import Names
from kglb.replay.sentences import Sentence, sentence
from kglb.replay.words import printable, spoken


class StateNarrator:
    """Speaks of ``state``."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._names = (0, Names())

    def say(self, event: Event) -> Sentence:
        """An event in words."""
        return sentence(event, self)

    def why(self, reason: str, detail: str) -> str:
        """Why probes fail, in words."""
        return printable(spoken(reason, detail))

    def out_of_rotation(self, real: RealState) -> str:
        """Why a real is to get no traffic, whatever its health; empty if it is in rotation."""
        return steering_sentences.out_of_rotation(real)

    def weight_by_other_hand(self, real: RealState) -> str:
        """Who says the weight of a real, if not the config; empty if the config does."""
        return steering_sentences.weight_by_other_hand(real)

    def slow_start(self, real: RealState) -> str:
        """How far the slow start of a real has come; empty without one."""
        return steering_sentences.slow_start(real)

    def about(self, event: Event) -> Iterable[tuple[ServiceId | None, RealId | None]]:
        """The services and reals that an event is about."""
        return pairs(event)

    def tell(self, at: float, seq: int, cause: int | None, event: Event) -> EventView:
        """An event as it is shown, recorded at Unix time ``at``."""
        return event_view(at, seq, cause, event, runs=self, label=self.label)

    def label(self, service: ServiceId) -> str:
        """What a service's balancer is called now."""
        fleet = self._state.fleet
        if self._names[0] != fleet.config_seq and fleet.config is not None:
            self._names = (fleet.config_seq, Names(fleet.config.balancers))
        return self._names[1].label(service)

    def run(self, service: ServiceId, real: RealId, seq: int) -> ProbeFlipped | None:
        """What began an outcome run, as far as the state still knows it."""
        known = self._state.fleet.real(service, real)
        if known is None or known.run_seq != seq or not known.outcome:
            return None
        return ProbeFlipped(
            service=service,
            real=real,
            outcome=known.outcome,
            reason=known.reason,
            detail=known.detail,
            latency=0.0,
            previous_count=0,
        )
