"""What the page asks of whoever knows how to speak: events in words. The command line gives it one."""

from collections.abc import Iterable
from typing import Protocol

from kglb.events import Event
from kglb.model import RealId, ServiceId


class Told(Protocol):
    """An event in words: a word for its kind, how good it is, the one service it is about, and the text."""

    @property
    def kind(self) -> str:
        """One word."""

    @property
    def tone(self) -> str:
        """``good``, ``bad``, ``warning``, ``plain`` or ``quiet``."""

    @property
    def service(self) -> ServiceId | None:
        """None if it is about none or several."""

    @property
    def text(self) -> str:
        """A sentence of printable characters."""


class Narrator(Protocol):
    """Speaks of the state that the daemon is in now."""

    def say(self, event: Event) -> Told:
        """An event in words."""

    def label(self, service: ServiceId) -> str:
        """What a service's balancer is called."""

    def about(self, event: Event) -> Iterable[tuple[ServiceId | None, RealId | None]]:
        """The services and reals that an event is about; a real of None is the service as a whole."""

    def causes(self, event: Event) -> Iterable[int]:
        """The records that an event itself names as its causes."""
