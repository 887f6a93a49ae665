"""Why a question to a journal has no answer, as exceptions whose text a person can act on."""

from typing import Literal

import msgspec

from kglb.model import RealId, ServiceId


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


class UnknownRealError(UnknownSubjectError):
    """There was no such real at that moment."""


class Candidate(msgspec.Struct, frozen=True):
    """One real that a name may mean."""

    balancer: str
    service: ServiceId
    real: RealId
    host: str


class AmbiguousRealError(ReplayError):
    """A name fits several reals."""

    def __init__(self, wanted: str, candidates: tuple[Candidate, ...]) -> None:
        super().__init__(f"{wanted} is {len(candidates)} reals: name one by its address:port and --balancer")
        self.candidates = candidates


Kind = Literal["real", "service", "address", "route"]


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What can be explained: a real (``host`` is what the config calls it), a service, an address or a route.

    An address stands with its interface, ``192.168.100.10/32 on lo``, a route as its prefix; neither has a service.
    """

    kind: Kind
    name: str
    balancer: str = ""
    service: ServiceId = ServiceId("")
    host: str = ""


class AmbiguousSubjectError(ReplayError):
    """A word fits several things."""

    def __init__(self, wanted: str, candidates: tuple[Subject, ...]) -> None:
        kinds = sorted({candidate.kind for candidate in candidates})
        articles = [f"{'an' if kind == 'address' else 'a'} {kind}" for kind in kinds]
        what = f"{len(candidates)} {kinds[0]}s" if len(kinds) == 1 else " and ".join(articles)
        super().__init__(f"{wanted} is {what}: be more precise")
        self.candidates = candidates
