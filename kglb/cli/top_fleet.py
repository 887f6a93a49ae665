"""What ``top`` knows of the daemon: the newest state, the newest events, and which reals to show in which order."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from kglb.model import RealId, ServiceId
from kglb.projections.view import EventView
from kglb.web.live import LiveReal, LiveService, LiveState

EVENTS_KEPT = 2000

Key = tuple[ServiceId, RealId]


class Row(NamedTuple):
    """A real and the service that it is shown under."""

    service: LiveService
    real: LiveReal

    @property
    def key(self) -> Key:
        """What tells it from every other."""
        return self.service.service, self.real.real


class Told(NamedTuple):
    """An event, and by how many steps it led to the one above it that has depth 0."""

    event: EventView
    depth: int


ORDERS: dict[str, Callable[[Row], Any]] = {
    "trouble": lambda row: (row.real.is_well, row.real.condition != "down", row.real.in_rotation),
    "balancer": lambda row: row.service.name,
    "weight": lambda row: -(row.real.weight or 0),
    "connections": lambda row: -(row.real.active or 0),
    "latency": lambda row: -(row.real.latency or 0.0),
    "change": lambda row: -(row.real.since or 0.0),
}
"""What reals can be sorted by, the worst, most or newest first; equal ones stay in the order of the config."""


class Fleet:
    """``state`` is what ``/state`` said last; ``events`` are the newest, oldest first."""

    def __init__(self, state: LiveState) -> None:
        self.state = state
        self.events: deque[EventView] = deque(maxlen=EVENTS_KEPT)

    @property
    def newest(self) -> int | None:
        """The number of the newest event."""
        return self.events[-1].seq if self.events else None

    def take(self, event: str, data: bytes) -> bool:
        """Take a message of ``/events``; whether the state is older than it. Raises msgspec.MsgspecError."""
        if event != "fact":
            return event != "beat"
        fact = msgspec.json.decode(data, type=EventView)
        if self.newest is None or fact.seq > self.newest:
            self.events.append(fact)
        return False

    def rows(self, order: str, words: str = "", *, trouble: bool = False) -> list[Row]:
        """The reals in this order, without those that lack one of the words, or (with ``trouble``) are well."""
        wanted = words.lower().split()
        every = (Row(service, real) for service in self.state.balancers for real in service.reals)
        return sorted(
            (row for row in every if not (trouble and row.real.is_well) and _has(row, wanted)), key=ORDERS[order]
        )

    def row(self, key: Key) -> Row | None:
        """One real; None if it is gone."""
        return next((row for row in self.rows("balancer") if row.key == key), None)

    def about(self, key: Key, most: int) -> list[Told]:
        """The newest events about a real first, each once; below it what led to it, unless about other reals."""
        service, real = key
        known = {event.seq: event for event in self.events if real in event.reals or not event.reals}
        told: dict[int, Told] = {}
        for event in reversed(self.events):
            if len(told) >= most:
                break
            if event.service in (service, None) and real in event.reals:
                _tell(event, 0, known, told)
        return list(told.values())


def _has(row: Row, words: Iterable[str]) -> bool:
    service, real = row
    text = f"{service.name} {service.service} {real.real} {real.host} {real.word} {real.reason} {real.detail}".lower()
    return all(word in text for word in words)


def _tell(event: EventView, depth: int, known: dict[int, EventView], told: dict[int, Told]) -> None:
    """Tell an event and, below it, what led to it. Causes are older than what they cause, so it ends."""
    if event.seq in told:
        return
    told[event.seq] = Told(event, depth)
    for cause in dict.fromkeys((event.cause, *event.because)):
        if cause in known:
            _tell(known[cause], depth + 1, known, told)
