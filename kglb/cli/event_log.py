"""The operational log: the journal's facts, and what is about the process itself, as lines on stderr.

On a terminal a line looks as ``tail`` shows it, elsewhere it is JSON. Lines are made on the loop in short slices after
everything else, and written by a thread of their own: a log that nobody reads delays nothing. What does not fit the
queue is dropped and counted.
"""

import asyncio
import logging
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import MutableMapping
from typing import Any, TextIO

import msgspec

from kglb.actors.recorder import Fact
from kglb.cli.narrator import StateNarrator
from kglb.cli.output import Paint, paint_for
from kglb.events import (
    ActorCrashed,
    ChecksImpossible,
    ConfigRejected,
    DriftFound,
    EntryContested,
    MachineStalled,
    MarkAssigned,
    MarkReleased,
    OperationFailed,
    OutcomesUnknown,
    ProbeFlipped,
    RealAdded,
    ResolutionFailed,
    RunsClosed,
    WatchLost,
)

Line = MutableMapping[str, Any]

_SLICE = 0.001
_PAUSE = 0.005
_QUEUE = 10_000

_LEVELS: dict[type, int] = {
    ActorCrashed: logging.ERROR,
    ChecksImpossible: logging.ERROR,
    ConfigRejected: logging.ERROR,
    EntryContested: logging.ERROR,
    MachineStalled: logging.ERROR,
    OperationFailed: logging.ERROR,
    DriftFound: logging.WARNING,
    OutcomesUnknown: logging.WARNING,
    ResolutionFailed: logging.WARNING,
    MarkAssigned: logging.DEBUG,
    MarkReleased: logging.DEBUG,
    ProbeFlipped: logging.DEBUG,
    RealAdded: logging.DEBUG,
    RunsClosed: logging.DEBUG,
    WatchLost: logging.DEBUG,
}


class EventToLine:
    """Puts the ``fact`` of a line in words, and its event's plain fields beside them."""

    def __init__(self, narrator: StateNarrator) -> None:
        self._narrator = narrator

    def __call__(self, line: Line) -> Line:
        """Turn ``fact`` into ``message``, ``seq``, ``cause``, ``balancer`` and the fields that are no collections."""
        fact: Fact | None = line.pop("fact", None)
        if fact is None:
            return line
        said = self._narrator.say(fact.event)
        line["seq"], line["cause"], line["kind"], line["tone"] = fact.seq, fact.cause, said.kind, said.tone
        if said.service is not None:
            line["balancer"] = self._narrator.label(said.service)
        for field in fact.event.__struct_fields__:
            value = getattr(fact.event, field)
            if isinstance(value, str | int | float):
                line.setdefault(field, value)
        line["message"] = said.text
        return line


class TerminalRenderer:
    """Lines for people: time, seq, kind, balancer, sentence."""

    def __init__(self, paint: Paint) -> None:
        self._paint = paint

    def __call__(self, line: Line) -> str:
        """The line as ``tail`` shows it; what is no fact, as its event and fields."""
        at = time.strftime("%H:%M:%S", time.localtime(line["time"])) + f".{int(line['time'] % 1 * 1000):03d}"
        if "message" not in line:
            fields = " ".join(f"{key}={value}" for key, value in line.items() if key not in _ENVELOPE)
            return f"{at}  {'':>6}  {'':<7}  {line['event']}  {fields}".rstrip()
        subject = self._paint(line["balancer"], "strong") + "  " if "balancer" in line else ""
        return f"{at}  {line['seq']:>6}  {line['kind']:<7}  {subject}{self._paint(line['message'], line['tone'])}"


_ENVELOPE = frozenset(("time", "level", "event"))


def _for_machines(line: Line) -> str:
    at = line.pop("time")
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e6):06d}Z"
    line.pop("tone", None)
    return msgspec.json.encode({"timestamp": stamp, **line}, enc_hook=repr).decode()


class EventLog:
    """One per daemon, on its loop. ``level`` is the least severe that is written (``logging.INFO`` ...)."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, level: int = logging.INFO, stream: TextIO | None = None
    ) -> None:
        self._loop = loop
        self._level = level
        self._stream = stream or sys.stderr
        self._waiting: deque[Line] = deque()
        self._scheduled = False
        self.dropped = 0
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._put_in_words: EventToLine | None = None
        self._render_line = TerminalRenderer(paint_for(self._stream)) if self._stream.isatty() else _for_machines
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def speak_with(self, narrator: StateNarrator) -> None:
        """Log facts from now on in its words."""
        self._put_in_words = EventToLine(narrator)

    def fact(self, fact: Fact) -> None:
        """Log a recorded event."""
        self._put(_LEVELS.get(type(fact.event), logging.INFO), type(fact.event).__name__, {"fact": fact})

    def say(self, event: str, *, level: int = logging.INFO, **fields: Any) -> None:
        """Log something about the process itself."""
        self._put(level, event, fields)

    def _put(self, level: int, event: str, fields: Line) -> None:
        if level < self._level:
            return
        if len(self._waiting) >= _QUEUE:
            self.dropped += 1
            return
        name = logging.getLevelName(level).lower()
        self._waiting.append({"time": time.time(), "level": name, "event": event, **fields})
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_later(_PAUSE, self._render)

    def _render(self) -> None:
        until = time.perf_counter() + _SLICE
        lines: list[str] = []
        try:
            while self._waiting and time.perf_counter() < until:
                lines.append(self._rendered())
        finally:  # a line that cannot be made ends no others
            self._hand_over(lines)
            self._scheduled = bool(self._waiting)
            if self._scheduled:
                self._loop.call_later(_PAUSE, self._render)

    def _rendered(self) -> str:
        line = self._waiting.popleft()
        return self._render_line(line if self._put_in_words is None else self._put_in_words(line))

    def _hand_over(self, lines: list[str]) -> None:
        """Have the thread write them, all at once: each wake-up and each write is a system call."""
        if self._lines.qsize() >= _QUEUE:
            self.dropped += len(lines)
        elif lines:
            self._lines.put("\n".join(lines))

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                self.dropped += 1

    def close(self, timeout: float = 1.0) -> None:
        """Write what waits, for at most ``timeout`` seconds."""
        while self._waiting:
            self._hand_over([self._rendered()])
        if self.dropped:
            self._lines.put(f"{self.dropped} log lines were dropped")
        self._lines.put(None)
        self._thread.join(timeout)
