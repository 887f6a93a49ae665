"""The operational log: the journal's facts, and what is about the process itself, as lines on stderr.

Pretty on a terminal, JSON when not. Lines are rendered on the loop in short slices after everything else, and written
by a thread of their own: a log that nobody reads delays nothing. What does not fit the queue is dropped and counted.
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
import structlog

from kglb.actors.recorder import Fact
from kglb.events import (
    ActorCrashed,
    ConfigRejected,
    DriftFound,
    OperationFailed,
    OutcomesUnknown,
    ProbeFlipped,
    RealAdded,
    ResolutionFailed,
    RunsClosed,
)

_SLICE = 0.001
_QUEUE = 10_000

_LEVELS: dict[type, int] = {
    ActorCrashed: logging.ERROR,
    ConfigRejected: logging.ERROR,
    OperationFailed: logging.ERROR,
    DriftFound: logging.WARNING,
    OutcomesUnknown: logging.WARNING,
    ResolutionFailed: logging.WARNING,
    ProbeFlipped: logging.DEBUG,
    RealAdded: logging.DEBUG,
    RunsClosed: logging.DEBUG,
}

_LONG = 8
"""Collections longer than this are logged by their length: the journal has them whole."""


def _shorten(value: Any) -> Any:
    if isinstance(value, list | dict) and len(value) > _LONG:
        return f"({len(value)})"
    return value


def event_line(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: put a ``Fact`` under ``fact`` in the line, its event's fields flat beside seq and cause."""
    fact = line.pop("fact", None)
    if fact is not None:
        fields = msgspec.to_builtins(fact.event)
        fields.pop("type", None)
        fields.pop("config", None)
        line["seq"], line["cause"] = fact.seq, fact.cause
        line.update({key: _shorten(value) for key, value in fields.items() if key != "event"})
    return line


class EventLog:
    """One per daemon. ``level`` is the least severe that is written (``logging.INFO`` ...)."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, level: int = logging.INFO, stream: TextIO | None = None
    ) -> None:
        self._loop = loop
        self._level = level
        self._stream = stream or sys.stderr
        self._waiting: deque[tuple[int, str, dict[str, Any]]] = deque()
        self._scheduled = False
        self.dropped = 0
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()
        renderer: Any = (
            structlog.dev.ConsoleRenderer() if self._stream.isatty() else structlog.processors.JSONRenderer()
        )
        self._processors = (event_line, structlog.processors.add_log_level, renderer)

    def fact(self, fact: Fact) -> None:
        """Log a recorded event."""
        self._put(_LEVELS.get(type(fact.event), logging.INFO), type(fact.event).__name__, {"fact": fact})

    def say(self, event: str, *, level: int = logging.INFO, **fields: Any) -> None:
        """Log something about the process itself."""
        self._put(level, event, fields)

    def _put(self, level: int, event: str, fields: dict[str, Any]) -> None:
        if level < self._level:
            return
        if len(self._waiting) >= _QUEUE:
            self.dropped += 1
            return
        line = {"timestamp": _timestamp(), "event": event, **fields}
        self._waiting.append((level, event, line))
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_later(_SLICE, self._render)

    def _render(self) -> None:
        until = time.perf_counter() + _SLICE
        while self._waiting and time.perf_counter() < until:
            self._render_one()
        if self._waiting:
            self._loop.call_later(_SLICE, self._render)
        else:
            self._scheduled = False

    def _render_one(self) -> None:
        level, _, line = self._waiting.popleft()
        rendered: Any = line
        for process in self._processors:
            rendered = process(None, logging.getLevelName(level).lower(), rendered)
        if self._lines.qsize() < _QUEUE:
            self._lines.put(rendered)
        else:
            self.dropped += 1

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
            self._render_one()
        if self.dropped:
            self._lines.put(f"{self.dropped} log lines were dropped")
        self._lines.put(None)
        self._thread.join(timeout)


def _timestamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1_000_000):06d}Z"
