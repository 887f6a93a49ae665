"""The recorded facts and what they change on the page, as server-sent events, to everybody who listens.

Facts are put in words a little after they were recorded, in slices, once for all listeners. A ring of the newest lets
a client that was cut off go on where it was. Nothing here waits for a client: one that does not keep up is cut off.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import msgspec

from kglb.events import (
    Adopted,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    DriftFound,
    Event,
)
from kglb.model import RealId, ServiceId
from kglb.projections.view import EventView
from kglb.web.narrator import Narrator

RING = 1000
"""Facts kept for clients that come or come back."""

QUEUE = 2000
"""Messages that wait for a listener before it is cut off: more than the ring and a slice of changes."""

PENDING = 20_000
"""Facts that wait to be put in words; of more the oldest are skipped."""

PAUSE = 0.05
"""Seconds from a fact to its words, in which those that belong together gather."""

MOST_CHANGED = 2000
"""Reals that change at once, beyond which clients are told to fetch everything."""

_SLICE = 0.001
_LONGEST_ID = 19  # digits of 63 bits
_WIDE = (Adopted, ConfigApplied, DaemonStarted, DaemonStopping)

Changed = tuple[ServiceId, RealId | None]


class Listener:
    """The messages for one client. ``lost`` says that it did not keep up."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._come = asyncio.Event()
        self.lost = False

    def put(self, message: bytes) -> None:
        """Have a message wait for it."""
        if len(self._waiting) >= QUEUE:
            self.lost = True
            self._waiting.clear()
        if not self.lost:
            self._waiting.append(message)
        self._come.set()

    async def take(self, timeout: float) -> bytes:
        """All that waits, or nothing after ``timeout`` seconds."""
        if not self._waiting:
            self._come.clear()
            try:
                async with asyncio.timeout(timeout):
                    await self._come.wait()
            except TimeoutError:
                return b""
        messages = b"".join(self._waiting)
        self._waiting.clear()
        return messages


class Feed:
    """One per daemon, on its loop. ``show`` gives what changed as JSON: a service, or one of its reals."""

    def __init__(
        self,
        narrator: Narrator,
        show: Callable[[ServiceId, RealId | None], bytes],
    ) -> None:
        self.listeners: set[Listener] = set()
        self.last_drift: EventView | None = None
        self._narrator = narrator
        self._show = show
        self._ring: deque[tuple[int, bytes]] = deque(maxlen=RING)
        self._pending: deque[tuple[float, int, int | None, Event]] = deque(maxlen=PENDING)
        self._changed: dict[Changed, None] = {}
        self._everything = False
        self._scheduled = False

    def note(self, at: float, seq: int, cause: int | None, event: Event) -> None:
        """Take one recorded event in (``at`` is Unix time); quick, and never raises."""
        self._pending.append((at, seq, cause, event))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_later(PAUSE, self._work)

    def recall(self, past: Iterable[tuple[float, int, int | None, Event]]) -> None:
        """Put events of before the start into the ring: Unix time, seq, cause, event."""
        for at, seq, cause, event in past:
            self._keep(self._tell(at, seq, cause, event))

    def since(self, last_event_id: str) -> Iterator[bytes]:
        """The messages after the one of that id, or all that are kept where it is none of ours."""
        ours = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= _LONGEST_ID
        first = int(last_event_id) + 1 if ours else 0
        if not self._ring or first > self._ring[-1][0] + 1:
            first = 0
        return (message for seq, message in list(self._ring) if seq >= first)

    def _work(self) -> None:
        until = time.perf_counter() + _SLICE
        try:
            while self._pending and time.perf_counter() < until:
                at, seq, cause, event = self._pending.popleft()
                self._send(self._keep(self._tell(at, seq, cause, event)))
                self._mark(event)
            if not self._pending:
                self._send_changes(until)
        finally:  # a fact that cannot be told ends no others
            self._scheduled = bool(self._pending or self._changed)
            if self._scheduled:
                asyncio.get_running_loop().call_soon(self._work)

    def _tell(self, at: float, seq: int, cause: int | None, event: Event) -> EventView:
        told = self._narrator.tell(at, seq, cause, event)
        if isinstance(event, DriftFound):
            self.last_drift = told
        return told

    def _keep(self, told: EventView) -> bytes:
        fact = message("fact", msgspec.json.encode(told), told.seq)
        self._ring.append((told.seq, fact))
        return fact

    def _mark(self, event: Event) -> None:
        """Note what looks different since an event, if there is anybody to tell."""
        if not self.listeners:
            return
        if self._everything or isinstance(event, _WIDE):
            self._everything = True
            return
        for service, real in self._narrator.about(event):
            if service is not None:
                self._changed[service, None] = None
                self._changed[service, real] = None
        self._everything = len(self._changed) > MOST_CHANGED

    def _send_changes(self, until: float) -> None:
        if self._everything:
            self._everything = False
            self._changed.clear()
            self._send(message("reload", b"{}"))
        parts = []
        while self._changed and time.perf_counter() < until:
            service, real = next(iter(self._changed))
            del self._changed[service, real]
            parts.append(self._show(service, real))
        if parts:
            self._send(message("changed", b"[" + b",".join(parts) + b"]"))

    def _send(self, message: bytes) -> None:
        for listener in self.listeners:
            listener.put(message)


def message(event: str, body: bytes, id: int | None = None) -> bytes:
    """A server-sent event; ``body`` is JSON of one line."""
    head = f"id: {id}\n" if id is not None else ""
    return f"{head}event: {event}\ndata: ".encode() + body + b"\n\n"
