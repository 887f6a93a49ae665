"""The port by which the page gets events in words. The command line provides it."""

from collections.abc import Iterable
from typing import Protocol

from kglb.events import Event
from kglb.model import RealId, ServiceId
from kglb.projections.view import EventView, SteeringWords


class Narrator(SteeringWords, Protocol):
    """Speaks of the state that the daemon is in now."""

    def tell(self, at: float, seq: int, cause: int | None, event: Event) -> EventView:
        """An event in words, recorded at Unix time ``at``."""

    def label(self, service: ServiceId) -> str:
        """What a service's balancer is called."""

    def why(self, reason: str, detail: str) -> str:
        """Why probes fail, in words."""

    def about(self, event: Event) -> Iterable[tuple[ServiceId | None, RealId | None]]:
        """The services and reals that an event is about; a real of None is the service as a whole."""
