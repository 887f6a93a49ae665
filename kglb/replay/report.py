"""What happened in a stretch of one or several journals, as structs to draw: an incident in one piece.

Times are Unix time. Records of several journals are told apart by ``RECORDS``: a record's number is its seq plus so
many times its journal's place in the list.
"""

from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from kglb.events import (
    BalancerDecided,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    DriftFound,
    Event,
    OperationFailed,
    OperationsApplied,
    ProbeFlipped,
    SegmentOpened,
)
from kglb.model import RealId, ServiceId
from kglb.projections import State
from kglb.projections.history import Change, History
from kglb.projections.view import EventView
from kglb.replay.context import Context
from kglb.replay.errors import OutOfRangeError
from kglb.replay.event_view import event_view
from kglb.replay.names import Names
from kglb.replay.source import Found, Source
from kglb.replay.state_at import state_at
from kglb.replay.times import Moment, read_record_time
from kglb.replay.words import printable, spoken

RECORDS = 10_000_000_000

MOST_EVENTS = 20_000
"""Events in a report; of more, the newest. The timelines are always whole."""


class RealStory(msgspec.Struct, kw_only=True):
    """One real: its conditions, its weights, and the reasons of its failures, each with the time it began."""

    real: RealId
    host: str
    conditions: list[Change] = []
    weights: list[tuple[float, int]] = []
    reasons: list[tuple[float, str]] = []


class BalancerStory(msgspec.Struct, kw_only=True):
    """One balancer of one director: how many reals it had alive, of how many, in which mode; and its reals."""

    director: str
    name: str
    service: ServiceId
    alive: list[tuple[float, int, int, str]] = []
    reals: dict[RealId, RealStory] = {}


class Counts(msgspec.Struct, kw_only=True):
    """What the machine was told to do, refused, and had changed by somebody else; in operations."""

    applied: int = 0
    failed: int = 0
    drift: int = 0


class Stretch(msgspec.Struct, kw_only=True):
    """One journal's part: its director, its records, the first of which may only give the state it begins with.

    Nothing is known of it behind ``end``.
    """

    director: str
    path: str
    first_seq: int
    last_seq: int
    end: float = 0.0
    absences: list[tuple[float, float]] = []


class Report(msgspec.Struct, kw_only=True):
    """All of it. ``left_out`` is how many events came before the first that is in it."""

    begin: float
    end: float
    stretches: list[Stretch]
    balancers: list[BalancerStory]
    events: list[EventView]
    left_out: int
    counts: Counts


HeldUntil = Callable[[Source, int], str]
"""Up to when nothing else happened behind a record of a journal; empty if that is not known."""


def report(
    sources: Iterable[Source],
    since: Moment | None = None,
    until: Moment | None = None,
    held_until: HeldUntil = lambda _source, _last: "",
) -> Report:
    """What the journals say of the time between; what is so at its last record goes on as long as it is known to.

    Raises OutOfRangeError and what ``state_at`` raises.
    """
    stories = [_Story(source, index, since, until, held_until) for index, source in enumerate(sources)]
    _tell_apart(stories)
    events = sorted((event for story in stories for event in story.events), key=lambda event: event.at)
    kept = events[-MOST_EVENTS:]
    return Report(
        begin=min(story.begin for story in stories),
        end=max(story.end for story in stories),
        stretches=[story.stretch for story in stories],
        balancers=[balancer for story in stories for balancer in story.balancers.values()],
        events=kept,
        left_out=sum(story.seen for story in stories) - len(kept),
        counts=Counts(
            applied=sum(story.counts.applied for story in stories),
            failed=sum(story.counts.failed for story in stories),
            drift=sum(story.counts.drift for story in stories),
        ),
    )


def _tell_apart(stories: "list[_Story]") -> None:
    """Give directors of the same name a number; a single one needs no name beside each event."""
    names = [story.stretch.director for story in stories]
    for index, story in enumerate(stories):
        name = story.stretch.director
        if names.count(name) > 1:
            name = story.stretch.director = f"{name} ({index + 1})"
        for balancer in story.balancers.values():
            balancer.director = name if len(stories) > 1 else ""
        if len(stories) > 1:
            story.events = [replace(event, host=name) for event in story.events]


class _Story:
    """One journal, read once from the record that gives the state at the beginning of the stretch to its last."""

    def __init__(
        self, source: Source, index: int, since: Moment | None, until: Moment | None, held_until: HeldUntil
    ) -> None:
        bounds = source.bounds()
        begin = "" if since is None else since.first
        first = max(bounds[0], source.reader.seq_at(begin) - 1) if begin else bounds[0]
        last = bounds[-1] if until is None else min(bounds[-1], source.seq_until(until))
        held = held_until(source, last)
        if first > last or max(_at(source, last), held) < begin:
            raise OutOfRangeError(f"{source.path} has no record of that time; it holds {_extent(source, bounds)}")
        self.balancers: dict[ServiceId, BalancerStory] = {}
        self.events: list[EventView] = []
        self.counts = Counts()
        self._base = index * RECORDS
        self._context = Context(source)
        self._history = History(keep_removed=True)
        opened = source.reader.checkpoint(first)
        director = opened.event.host if opened is not None and isinstance(opened.event, SegmentOpened) else str(index)
        self.stretch = Stretch(director=director, path=str(source.path), first_seq=first, last_seq=last)
        self._read(source, first, last, begin, held)

    def _read(self, source: Source, first: int, last: int, begin: str, held: str) -> None:
        replayed = state_at(source, first)
        state, self.begin = replayed.state, _unix(max(replayed.at, begin))
        self.seen = 0
        self._names = Names(balancer.config for balancer in state.fleet.balancers.values())
        self._history.begin(self.begin, state.fleet)
        self._begin(state)
        for record in source.between(first, last):
            self._context.note(record)
            at = _unix(record.at)
            if record.seq > first:
                state.fold(record.seq, record.event)
                self._history.note(at, record.event)
                self._note(at, record.event, state)
            elif record.at < begin:
                continue
            self.seen += 1
            if record.seq > last - MOST_EVENTS:
                self._tell(at, record)
        self.end = self.stretch.end = _unix(max(_at(source, last), held))
        self.stretch.absences = list(self._history.absences)
        for (service, real), timeline in self._history.timelines.items():
            self._real(service, real).conditions = timeline.changes

    def _begin(self, state: State) -> None:
        for service, balancer in state.fleet.balancers.items():
            self._count(self.begin, service, state)
            for known in balancer.reals.values():
                story = self._real(service, known.real, known.entry.host)
                if known.weight is not None:
                    story.weights.append((self.begin, known.weight))
                if known.outcome == "failure":
                    story.reasons.append((self.begin, printable(spoken(known.reason, known.detail))))

    def _note(self, at: float, event: Event, state: State) -> None:
        match event:
            case ConfigApplied(config=config):
                self._names = Names(config.balancers)
            case BalancerDecided(service=service, weights=weights):
                for real, weight in weights.items():
                    self._real(service, real).weights.append((at, weight))
            case ProbeFlipped(service=service, real=real, outcome="failure"):
                self._real(service, real).reasons.append((at, printable(spoken(event.reason, event.detail))))
            case OperationsApplied(operations=operations):
                self.counts.applied += len(operations)
            case OperationFailed():
                self.counts.failed += 1
            case DriftFound(changes=changes):
                self.counts.drift += len(changes)
        if isinstance(event, ConfigApplied | DaemonStarted | DaemonStopping):
            for service in state.fleet.balancers:
                self._count(at, service, state)
        elif (touched := getattr(event, "service", None)) is not None:
            self._count(at, touched, state)

    def _count(self, at: float, service: ServiceId, state: State) -> None:
        known = state.fleet.balancers.get(service)
        if known is None:
            return
        alive = self._balancer(service).alive
        now = (known.alive, known.total, known.mode or "undecided")
        if not alive or alive[-1][1:] != now:
            alive.append((at, *now))

    def _tell(self, at: float, record: Found) -> None:
        told = event_view(at, record.seq, record.cause, record.event, runs=self._context, label=self._names.label)
        self.events.append(
            replace(
                told,
                seq=told.seq + self._base,
                cause=None if told.cause is None else told.cause + self._base,
                because=tuple(seq + self._base for seq in told.because),
            )
        )

    def _balancer(self, service: ServiceId) -> BalancerStory:
        if (story := self.balancers.get(service)) is None:
            name = self._names.label(service)
            story = self.balancers[service] = BalancerStory(director="", name=name, service=service)
        return story

    def _real(self, service: ServiceId, real: RealId, host: str = "") -> RealStory:
        reals = self._balancer(service).reals
        if (story := reals.get(real)) is None:
            story = reals[real] = RealStory(real=real, host=host or real)
        return story


def _at(source: Source, seq: int) -> str:
    record = source.record(seq)
    return "" if record is None else record.at


def _unix(at: str) -> float:
    return round(read_record_time(at).timestamp(), 3)


def _extent(source: Source, bounds: range) -> str:
    return " to ".join(_at(source, seq) for seq in (bounds[0], bounds[-1]))
