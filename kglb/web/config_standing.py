"""Which config is in force, and was one refused since? What a file on the disk says may be neither."""

import time
from collections.abc import Callable

import msgspec

from kglb.events import ConfigApplied, ConfigRejected, Event


class Rejected(msgspec.Struct, frozen=True, kw_only=True):
    """A config that was refused, when (Unix time), and every mistake in it."""

    at: float
    source: str
    errors: tuple[str, ...]


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """The config that runs, since when (Unix time), and the one that was refused since then, if one was."""

    source: str
    digest: str
    since: float
    rejected: Rejected | None = None


class ConfigStanding:
    """Sees each event once. ``now`` is None until a config was applied."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.now: InForce | None = None

    def note(self, event: Event) -> None:
        """Take one event in; quick, and never raises."""
        match event:
            case ConfigApplied(digest=digest, source=source):
                self.now = InForce(source=source, digest=digest, since=round(self._clock(), 3))
            case ConfigRejected(source=source, errors=errors) if self.now is not None:
                rejected = Rejected(at=round(self._clock(), 3), source=source, errors=errors)
                self.now = msgspec.structs.replace(self.now, rejected=rejected)
