"""Why a question to a journal has no answer, as exceptions whose text a person can act on."""

from typing import Literal

import msgspec

from kglb.model import ServiceId


class ReplayError(Exception):
    """The base of what this package raises; damage and missing files stay the journal's own errors."""


class UnclearTimeError(ReplayError):
    """A text does not name a time."""

    def __init__(self, text: str) -> None:
        super().__init__(
            f"{text!r} is not a time: expected 2026-11-22T14:30:01, 2026-11-22, 14:30, "
            'today, yesterday, now, -5m or "10 min ago"'
        )


class NothingRecordedError(ReplayError):
    """The journal has no record yet."""


class OutOfRangeError(ReplayError):
    """The moment asked for is not in the journal."""


class CheckpointError(ReplayError):
    """A checkpoint is intact, but this software does not understand it."""


class UnknownSubjectError(ReplayError):
    """There was no such thing at that moment."""


Kind = Literal["real", "service", "address", "route"]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a word may mean: a real (``host`` is what the config calls it), a service, an address, a route.

    An address stands with its interface, ``192.168.100.10/32 on lo``, a route as its prefix; neither has a service.
    """

    kind: Kind
    name: str
    balancer: str = ""
    service: ServiceId = ServiceId("")
    host: str = ""


class AmbiguousSubjectError(ReplayError):
    """A word fits several things."""

    def __init__(self, wanted: str, candidates: tuple[Candidate, ...]) -> None:
        kinds = {candidate.kind for candidate in candidates}
        what = f"{len(candidates)} {kinds.pop()}s" if len(kinds) == 1 else f"a {' and a '.join(sorted(kinds))}"
        super().__init__(f"{wanted} is {what.replace('a address', 'an address')}: be more precise")
        self.candidates = candidates
