"""What an explanation is: an answer in parts, and the chain of records behind it. And the walk along that chain."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from kglb.events import Event, Mode, OperationFailed, RealAdded
from kglb.model import RealId, ServiceId
from kglb.replay.causes import GONE
from kglb.replay.context import Context
from kglb.replay.sentences import Tone, sentence
from kglb.replay.source import Found, Source
from kglb.replay.touches import adoption_before, causes_of

WIDEST = 8
"""How many causes of one record are followed, newest first: reals that fail together have thousands."""

STOPPED = "the daemon stopped and removed what it owned"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the chain, in words; ``because`` are those of the chain that it names as its causes.

    A refusal that came again and again is one link, of ``count`` records: the last of them, and ``first_seq`` and
    ``first_at`` of the first. A record that the journal no longer has has neither time nor type.
    """

    seq: int
    at: str
    type: str
    kind: str
    tone: Tone
    text: str
    because: tuple[int, ...]
    count: int = 1
    first_seq: int
    first_at: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Why something is as it is after record ``seq``: ``subject`` ``standing`` because ``reason``, to be read in a row.

    ``since`` is when it came to be so, or, of what was kept, when the reason came; empty if unknown. ``kernel`` says
    how the machine differs from what is wanted, empty if it does not. ``chain`` is the records behind it, newest first.
    """

    subject: str
    standing: str
    since: str
    reason: str
    kernel: str
    seq: int
    at: str
    chain: tuple[Link, ...]


class RealExplanation(Explanation, frozen=True, kw_only=True, tag_field="kind", tag="real"):
    """Why a real has its weight."""

    real: RealId
    host: str
    balancer: str
    service: ServiceId
    weight: int | None
    kernel_weight: int | None
    healthy: bool
    mode: Mode | None


class ServiceExplanation(Explanation, frozen=True, kw_only=True, tag_field="kind", tag="service"):
    """Why a service has its mode."""

    balancer: str
    service: ServiceId
    mode: Mode | None
    alive: int
    total: int


class AddressExplanation(Explanation, frozen=True, kw_only=True, tag_field="kind", tag="address"):
    """Why an address is there, or not. ``ours`` says that we put it there."""

    address: str
    interface: str
    balancers: tuple[str, ...]
    wanted: bool
    in_kernel: bool
    ours: bool


class RouteExplanation(Explanation, frozen=True, kw_only=True, tag_field="kind", tag="route"):
    """Why a route is announced, or not."""

    prefix: str
    balancers: tuple[str, ...]
    wanted: bool
    announced: bool


class Walk:
    """The records on the way back, each with those that it names.

    Nothing here infers a cause: every link is a record that another one names. ``narrowed`` gives of an event what
    concerns the question.
    """

    def __init__(self, source: Source, narrowed: Callable[[Event], Event]) -> None:
        self._source = source
        self._narrowed = narrowed
        self.context = Context(source)
        self.records: dict[int, Found | None] = {}
        self._because: dict[int, tuple[int, ...]] = {}
        self._more: dict[int, int] = {}

    def follow(self, roots: Iterable[int]) -> None:
        """Follow every cause from these records."""
        todo = {seq for seq in roots if seq > 0}
        while todo:
            seq = todo.pop()
            record = self.records[seq] = self._source.record(seq)
            because = () if record is None else self._causes(record)
            self._because[seq] = because[-WIDEST:]
            self._more[seq] = len(because[:-WIDEST])
            todo.update(cause for cause in self._because[seq] if cause not in self.records)

    def _causes(self, record: Found) -> tuple[int, ...]:
        """The causes of a record, oldest first."""
        causes = causes_of(self._narrowed(record.event), record.cause)
        if isinstance(record.event, RealAdded) and record.event.basis == "adopted":
            adopted = adoption_before(self._source, record.seq)
            causes |= set() if adopted is None else {adopted}
        return tuple(sorted(cause for cause in causes if 0 < cause < record.seq))

    def event(self, seq: int) -> Event | None:
        """An event of the walk; None if it is not known."""
        record = self.records.get(seq)
        return None if record is None else record.event

    def at(self, seq: int) -> str:
        """The time of a record of the walk; empty for one that is not known."""
        record = self.records.get(seq)
        return "" if record is None else record.at

    def since(self, seq: int) -> str:
        """The time of a record of the walk, or of the first that it repeats; empty if not known."""
        return next((self.at(alike[0]) for alike in self._folded() if seq in alike), "")

    def links(self, also: Callable[[Event], str] = lambda _: "") -> tuple[Link, ...]:
        """The chain, newest first; ``also`` is what an event says besides."""
        folded = self._folded()
        last = {seq: alike[-1] for alike in folded for seq in alike}
        return tuple(self._link(alike, last, also) for alike in sorted(folded, key=_last, reverse=True))

    def _folded(self) -> list[list[int]]:
        """The records, oldest first: each alone, but a refusal with those of the same for the same reason that follow
        before anything else does.
        """
        found: list[list[int]] = []
        refused: dict[Event, list[int]] = {}
        for seq in sorted(self.records):
            event = self.event(seq)
            if isinstance(event, OperationFailed):
                if event in refused:
                    refused[event].append(seq)
                    continue
                refused[event] = [seq]
                found.append(refused[event])
            else:
                refused.clear()
                found.append([seq])
        return found

    def _link(self, alike: Sequence[int], last: dict[int, int], also: Callable[[Event], str]) -> Link:
        first, seq = alike[0], alike[-1]
        record = self.records[seq]
        if record is None:
            return Link(
                seq=seq, at="", type="", kind="", tone="quiet", text=GONE, because=(), first_seq=seq, first_at=""
            )
        said = sentence(self._narrowed(record.event), self.context)
        more = f" (and {self._more[seq]} more causes)" if self._more[seq] else ""
        causes = {last[cause] for one in alike for cause in self._because[one]}
        return Link(
            seq=seq,
            at=record.at,
            type=type(record.event).__name__,
            kind=said.kind,
            tone=said.tone,
            text=said.text + also(record.event) + more,
            because=tuple(sorted(cause for cause in causes if cause < seq)),
            count=len(alike),
            first_seq=first,
            first_at=self.at(first),
        )


def _last(alike: Sequence[int]) -> int:
    return alike[-1]
