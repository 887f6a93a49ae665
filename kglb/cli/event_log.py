"""The operational log: the journal's facts, and what is about the process itself, as lines on stderr.

On a terminal a line looks as ``tail`` shows it, elsewhere it is JSON. In systemd's journal, too, it is what ``tail``
shows, without the time, which journald has, and with its priority. structlog makes the lines: its logger decides by
level, its chain of processors puts a fact in words, and the last of them renders. Whoever logs only notes what is to be
said and when; the chain runs on the loop in short slices after everything else, and a thread of its own writes: a log
that nobody reads delays nothing. What does not fit the queue is dropped and counted.
"""

import asyncio
import logging
import math
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, TextIO

import msgspec

from kglb.actors.recorder import Fact
from kglb.cli.lean import without
from kglb.cli.narrator import StateNarrator
from kglb.cli.output import Paint, paint_for
from kglb.cli.system_log import DEBUG, ERROR, INFO, WARNING, leads_to_journald, with_priority
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
    PoolFailed,
    ProbeFlipped,
    RealAdded,
    ResolutionFailed,
    RunsClosed,
    WatchLost,
)

with without("rich"):  # for tracebacks, which no line has; where it is installed it was a fifth of the daemon's start
    import structlog
    from structlog.processors import JSONRenderer, add_log_level
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

LogFormat = Literal["auto", "text", "json"]
"""How lines look; ``auto`` is text where people read them, on a terminal or in systemd's journal, else JSON."""

_Step = Callable[[WrappedLogger, str, Any], Any]
"""A processor whose line need not be a dict any more."""

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
    PoolFailed: logging.WARNING,
    MarkAssigned: logging.DEBUG,
    MarkReleased: logging.DEBUG,
    ProbeFlipped: logging.DEBUG,
    RealAdded: logging.DEBUG,
    RunsClosed: logging.DEBUG,
    WatchLost: logging.DEBUG,
}


class EventToLine:
    """A processor that puts the ``fact`` of a line in words, and its event's plain fields beside them."""

    def __init__(self, narrator: StateNarrator) -> None:
        self._narrator = narrator

    def __call__(self, _logger: WrappedLogger, _level: str, line: EventDict) -> EventDict:
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
    """The last processor for people: time (unless whoever keeps the lines has it), seq, kind, balancer, sentence."""

    def __init__(self, paint: Paint, *, timed: bool = True) -> None:
        self._paint = paint
        self._timed = timed

    def __call__(self, _logger: WrappedLogger, _level: str, line: EventDict) -> str:
        """The line as ``tail`` shows it; what is no fact, as its event and fields."""
        at = _clock(line["time"]) + "  " if self._timed else ""
        if "message" not in line:
            fields = " ".join(f"{key}={value}" for key, value in line.items() if key not in _ENVELOPE)
            return f"{at}{'':>6}  {'':<7}  {line['event']}  {fields}".rstrip()
        subject = self._paint(line["balancer"], "strong") + "  " if "balancer" in line else ""
        return f"{at}{line['seq']:>6}  {line['kind']:<7}  {subject}{self._paint(line['message'], line['tone'])}"


def _clock(at: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at % 1 * 1000):03d}"


_ENVELOPE = frozenset(("time", "level", "event"))


def _envelope_first(_logger: WrappedLogger, _level: str, line: EventDict) -> EventDict:
    """The fields of a line for machines, in the order in which a person looks for them."""
    at = line.pop("time")
    line.pop("tone", None)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e6):06d}Z"
    return {"timestamp": stamp, "level": line.pop("level"), "event": line.pop("event"), **line}


def _encoded(line: EventDict, default: Callable[[Any], Any]) -> str:
    return msgspec.json.encode(line, enc_hook=default).decode()


_PRIORITIES = {"error": ERROR, "warning": WARNING, "info": INFO, "debug": DEBUG}


def _with_priority(_logger: WrappedLogger, level: str, line: str) -> str:
    return with_priority(line, _PRIORITIES[level])


def _renderers_for(stream: TextIO, look: LogFormat) -> tuple[_Step, ...]:
    """The last processors: what makes a line of its fields, and what makes it one that journald can file."""
    filed = leads_to_journald(stream)
    text = look == "text" or (look == "auto" and (filed or stream.isatty()))
    made: tuple[Processor, ...] = (_envelope_first, JSONRenderer(_encoded))
    if text:
        made = (TerminalRenderer(paint_for(stream), timed=not filed),)
    return (*made, _with_priority) if filed else made


class EventLog:
    """One per daemon, on its loop. ``level`` is the least severe that is written (``logging.INFO`` ...)."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        level: int = logging.INFO,
        look: LogFormat = "auto",
        stream: TextIO | None = None,
    ) -> None:
        self._loop = loop
        self._level = level
        self._stream = stream or sys.stderr
        self._waiting: deque[tuple[int, str, EventDict]] = deque()
        self._scheduled = False
        self.dropped = 0
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._renderers = _renderers_for(self._stream, look)
        self._logger = self._logger_by(add_log_level, *self._renderers)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def _logger_by(self, *processors: _Step) -> FilteringBoundLogger:
        """A logger that returns the line: writing it is the thread's."""
        wrapper = structlog.make_filtering_bound_logger(self._level)
        logger = structlog.wrap_logger(structlog.ReturnLogger(), processors=processors, wrapper_class=wrapper)
        bound: FilteringBoundLogger = logger.bind()
        return bound

    def speak_with(self, narrator: StateNarrator) -> None:
        """Log facts from now on in its words."""
        self._logger = self._logger_by(add_log_level, EventToLine(narrator), *self._renderers)

    def fact(self, fact: Fact) -> None:
        """Log a recorded event."""
        kind = type(fact.event)
        level = _LEVELS.get(kind, logging.INFO)
        if self._logger.is_enabled_for(level):
            self._note(level, kind.__name__, {"fact": fact})

    def say(self, event: str, *, level: int = logging.INFO, **fields: Any) -> None:
        """Log something about the process itself."""
        if self._logger.is_enabled_for(level):
            self._note(level, event, fields)

    def _note(self, level: int, event: str, fields: EventDict) -> None:
        if len(self._waiting) >= _QUEUE:
            self.dropped += 1
            return
        fields["time"] = time.time()
        self._waiting.append((level, event, fields))
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_later(_PAUSE, self._render)

    def _render(self) -> None:
        self._hand_over(self._made(until=time.perf_counter() + _SLICE))
        self._scheduled = bool(self._waiting)
        if self._scheduled:
            self._loop.call_later(_PAUSE, self._render)

    def _made(self, *, until: float) -> list[str]:
        """The lines of what waits, as many as can be made ``until`` then, by ``time.perf_counter``."""
        lines: list[str] = []
        while self._waiting and time.perf_counter() < until:
            level, event, fields = self._waiting.popleft()
            try:
                lines.append(self._logger.log(level, event, **fields))
            except Exception as error:  # a line that cannot be made ends no others
                self.dropped += 1
                self._loop.call_exception_handler({"message": f"cannot log {event}", "exception": error})
        return lines

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
        self._hand_over(self._made(until=math.inf))
        if self.dropped:
            lost = f"{self.dropped} log lines were dropped"
            self._lines.put(with_priority(lost, WARNING) if leads_to_journald(self._stream) else lost)
        self._lines.put(None)
        self._thread.join(timeout)
