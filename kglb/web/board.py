"""The page for people, what it shows as JSON, and the stream that keeps it fresh: ``/``, ``/state``, ``/events``."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import NamedTuple

from kglb import assets
from kglb.events import Event
from kglb.projections import State
from kglb.projections.history import History
from kglb.web.answer import Answer, Route, Stream
from kglb.web.connections import Connections
from kglb.web.feed import Feed, Listener, message
from kglb.web.narrator import Narrator
from kglb.web.shown import Shown
from kglb.web.sliced import SlicedText
from kglb.web.status import Status

MAX_STREAMS = 32
"""Streams at once; of the connections that the server takes, the others stay free for metrics and health."""

BEAT = 5.0
"""Seconds between two signs of life, in which the overview comes."""

CHANGES_KEPT = 48
"""Of each real: 10,000 of them that flap all the time stay under 100 MB."""

_PART = 50  # reals made between two looks at the clock: less than half a millisecond

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS = (("Referrer-Policy", "no-referrer"), ("Cache-Control", "no-cache"))
_FILES = {
    "/": ("page.html", "text/html"),
    "/assets/look.css": ("look.css", "text/css"),
    "/assets/page.css": ("page.css", "text/css"),
    "/assets/icon.svg": ("icon.svg", "image/svg+xml"),
    "/assets/draw.js": ("draw.js", "text/javascript"),
    "/assets/events.js": ("events.js", "text/javascript"),
    "/assets/row.js": ("row.js", "text/javascript"),
    "/assets/verdict.js": ("verdict.js", "text/javascript"),
    "/assets/page.js": ("page.js", "text/javascript"),
}


class Past(NamedTuple):
    """A record of before the start: Unix time, number, cause, event."""

    at: float
    seq: int
    cause: int | None
    event: Event


class Board:
    """One per daemon. Reads the state as ``status`` does; ``host`` is what the machine is called."""

    def __init__(
        self, state: State, status: Status, narrator: Narrator, *, host: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._state = state
        self._clock = clock
        self._history = History(limit=CHANGES_KEPT)
        self._connections = Connections(status.read_counters)
        self._shown = Shown(state, self._history, status, narrator, self._connections, host=host, clock=clock)
        self._feed = Feed(narrator, self._shown.changed)
        self._text = SlicedText(
            lambda: self._shown.everything(self._feed.last_drift), prepare=self._count_connections, batch=_PART
        )

    def recall(self, past: Sequence[Past]) -> None:
        """Take up the newest records of before the start, oldest first, so that the page does not begin empty."""
        self._history.recall(((at, event) for at, _, _, event in past), self._state.fleet)
        self._feed.recall(past)

    def note(self, seq: int, cause: int | None, event: Event) -> None:
        """Take one recorded event in; quick, and never raises."""
        at = self._clock()
        self._history.note(at, event)
        self._feed.note(at, seq, cause, event)

    def routes(self) -> dict[str, Route]:
        """What to serve under which path."""
        files = {path: _file(name, kind) for path, (name, kind) in _FILES.items()}
        return {**files, "/state": self._whole_state}

    def streams(self) -> dict[str, Stream]:
        """What to serve without end."""
        return {"/events": self._events}

    async def _whole_state(self) -> Answer:
        return Answer(200, "application/json", await self._text.text(), _ALWAYS)

    async def _count_connections(self) -> None:
        await self._connections.read(list(self._state.data_plane.actual.services))

    def _events(self, last_event_id: str) -> AsyncGenerator[bytes, None] | None:
        if len(self._feed.listeners) >= MAX_STREAMS:
            return None
        return self._stream(last_event_id)

    async def _stream(self, last_event_id: str) -> AsyncGenerator[bytes, None]:
        """Takes its place when its first part is asked for: one that is never begun is never ended either."""
        listener = Listener()
        self._feed.listeners.add(listener)
        try:
            yield b"retry: 1000\n\n" + b"".join(self._feed.since(last_event_id)) + self._beat()
            beaten = time.monotonic()
            while not listener.lost:
                messages = await listener.take(max(0.0, beaten + BEAT - time.monotonic()))
                if messages:
                    yield messages
                if time.monotonic() >= beaten + BEAT:
                    yield self._beat()
                    beaten = time.monotonic()
        finally:
            self._feed.listeners.discard(listener)

    def _beat(self) -> bytes:
        return message("beat", self._shown.overview(self._feed.last_drift))


def _file(name: str, kind: str) -> Route:
    """Serves a file as it is now: the disk may hang later, and this one does not."""
    headers = (("Content-Security-Policy", _POLICY), *_ALWAYS)
    answer = Answer(200, f"{kind}; charset=utf-8", assets.text(name).encode(), headers)

    async def serve() -> Answer:
        return answer

    return serve
