"""The operational log: facts and what is about the process itself, made into lines on the loop, written by a thread."""

import asyncio
import io
import json
import logging
import os
import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TextIO

import pytest
import structlog
from structlog.processors import KeyValueRenderer
from structlog.typing import Processor

from kglb.actors.recorder import Fact
from kglb.cli.event_log import EventLog, EventToLine, LogFormat, TerminalRenderer
from kglb.cli.narrator import StateNarrator
from kglb.cli.output import EXIT_USAGE, Failed, Paint, complain, warn
from kglb.events import HealthChanged, ProbeFlipped
from kglb.projections import State
from tests.projections.builders import WEB, added, applied, balancer, real_id

REAL = real_id(0)
DOWN = Fact(42, 41, HealthChanged(service=WEB, real=REAL, healthy=False, streak=-2, run=41))
FLIPPED = Fact(
    41,
    None,
    ProbeFlipped(service=WEB, real=REAL, outcome="failure", reason="refused", detail="", latency=0.0, previous_count=7),
)
PATIENCE = 30.0


def narrator() -> StateNarrator:
    state = State()
    state.fold(1, applied(balancer()))
    state.fold(2, added(WEB, 0, healthy=True))
    state.fold(FLIPPED.seq, FLIPPED.event)
    return StateNarrator(state)


def logged(
    use: Callable[[EventLog], None],
    *,
    level: int = logging.INFO,
    look: LogFormat = "auto",
    stream: TextIO | None = None,
) -> list[str]:
    """The lines that a log has written after it was used and closed, unless they went to another stream."""
    written = io.StringIO() if stream is None else stream

    async def log() -> None:
        log = EventLog(asyncio.get_running_loop(), level=level, look=look, stream=written)
        log.speak_with(narrator())
        use(log)
        log.close(PATIENCE)

    asyncio.run(log())
    return written.getvalue().splitlines() if isinstance(written, io.StringIO) else []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_fact_is_one_json_object_with_its_words_its_cause_and_its_fields() -> None:
    (line,) = logged(lambda log: log.fact(DOWN))
    said = json.loads(line)
    at = datetime.fromisoformat(said.pop("timestamp"))
    assert timedelta() <= datetime.now(UTC) - at < timedelta(seconds=PATIENCE)
    message = said.pop("message")
    assert message.startswith(f"{REAL} is down: 2 failures in a row, connection refused")
    assert said == {
        "level": "info",
        "event": "HealthChanged",
        "seq": 42,
        "cause": 41,
        "kind": "health",
        "balancer": "web",
        "service": WEB,
        "real": REAL,
        "healthy": False,
        "streak": -2,
        "run": 41,
    }


def test_a_line_for_machines_begins_with_when_how_bad_and_what() -> None:
    (line,) = logged(lambda log: log.say("no control socket", level=logging.WARNING, problem="it is taken"))
    assert re.fullmatch(
        r'\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",'
        r'"level":"warning","event":"no control socket","problem":"it is taken"\}',
        line,
    )


def test_what_json_does_not_know_is_shown_as_python_does() -> None:
    (line,) = logged(lambda log: log.say("odd", what=3 + 4j))
    assert json.loads(line)["what"] == "(3+4j)"


def test_on_a_terminal_a_fact_looks_as_tail_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    def use(log: EventLog) -> None:
        log.fact(DOWN)
        log.say("running", balancers=1)

    fact, process = logged(use, stream=Terminal())
    assert re.fullmatch(rf"\d\d:\d\d:\d\d\.\d{{3}}      42  health   web  {REAL} is down: .*", fact)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} {19}running  balancers=1", process)


class Journald(NamedTuple):
    """A stream as systemd connects it to journald, and what journald reads of it so far."""

    stream: TextIO
    lines: Callable[[], list[str]]


@pytest.fixture
def journald(monkeypatch: pytest.MonkeyPatch) -> Iterator[Journald]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(PATIENCE)
    with ours, theirs, os.fdopen(os.dup(ours.fileno()), "w") as stream:
        there = os.fstat(ours.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{there.st_dev}:{there.st_ino}")
        yield Journald(stream, lambda: theirs.recv(1 << 16).decode().splitlines())


def use_each_level(log: EventLog) -> None:
    log.fact(FLIPPED)
    log.fact(DOWN)
    log.say("no control socket", level=logging.WARNING, problem="it is taken")
    log.say("journal degraded", level=logging.ERROR)


def test_in_systemds_journal_a_line_has_its_priority_its_words_and_no_time(journald: Journald) -> None:
    logged(use_each_level, level=logging.DEBUG, stream=journald.stream)
    flipped, down, no_socket, degraded = journald.lines()
    assert flipped.startswith(f"<7>    41  probe    web  {REAL} fails its checks now")
    assert down.startswith(f"<6>    42  health   web  {REAL} is down: 2 failures in a row")
    assert no_socket == f"<4>{'':17}no control socket  problem=it is taken"
    assert degraded == f"<3>{'':17}journal degraded"


def test_in_systemds_journal_json_has_its_priority_too(journald: Journald) -> None:
    logged(use_each_level, look="json", stream=journald.stream)
    lines = journald.lines()
    assert [line[:3] for line in lines] == ["<6>", "<4>", "<3>"]
    assert json.loads(lines[0][3:])["event"] == "HealthChanged"


def test_a_message_of_several_lines_has_its_priority_before_each(journald: Journald) -> None:
    logged(lambda log: log.say("odd", level=logging.ERROR, why="one\ntwo"), stream=journald.stream)
    assert journald.lines() == [f"<3>{'':17}odd  why=one", "<3>two"]


def test_what_ends_a_verb_and_its_warnings_have_their_priority_in_systemds_journal(
    journald: Journald, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", journald.stream)
    complain(Failed(EXIT_USAGE, "a.toml:1: wrong\na.toml:2: wrong", "see configure.md"))
    warn(["a secret stands in this file"])
    journald.stream.flush()
    assert journald.lines() == [
        "<3>error: a.toml:1: wrong",
        "<3>a.toml:2: wrong",
        "<3>  see configure.md",
        "<4>warning: a secret stands in this file",
    ]


@pytest.mark.usefixtures("journald")
def test_what_is_led_elsewhere_has_none_though_the_variable_is_set() -> None:
    (line,) = logged(lambda log: log.say("running"))
    assert json.loads(line)["event"] == "running"


def test_text_is_had_where_nobody_guesses_that_a_person_reads() -> None:
    (line,) = logged(lambda log: log.fact(DOWN), look="text")
    assert re.fullmatch(rf"\d\d:\d\d:\d\d\.\d{{3}}      42  health   web  {REAL} is down: .*", line)


def test_what_is_below_the_level_is_not_written() -> None:
    def use(log: EventLog) -> None:
        log.fact(FLIPPED)
        log.fact(DOWN)
        log.say("running")
        log.say("journal degraded", level=logging.ERROR)

    def events(level: int) -> list[str]:
        return [json.loads(line)["event"] for line in logged(use, level=level)]

    assert events(logging.DEBUG) == ["ProbeFlipped", "HealthChanged", "running", "journal degraded"]
    assert events(logging.INFO) == ["HealthChanged", "running", "journal degraded"]
    assert events(logging.ERROR) == ["journal degraded"]


def test_lines_come_in_the_order_of_what_happened_without_anybody_asking_for_them() -> None:
    read, write = os.pipe()

    async def log() -> None:
        with os.fdopen(write, "w") as stream:
            log = EventLog(asyncio.get_running_loop(), stream=stream)
            log.speak_with(narrator())
            for number in range(500):
                log.say("turn", number=number)
                log.fact(DOWN._replace(seq=number))
            with os.fdopen(read) as lines:
                for number in range(500):
                    said, fact = [json.loads(await asyncio.to_thread(lines.readline)) for _ in range(2)]
                    assert (said["number"], fact["seq"]) == (number, number)
            log.close()

    asyncio.run(log())


class Unspeakable:
    def __repr__(self) -> str:
        raise ValueError("no words for this")


@pytest.mark.parametrize("at_the_end", [False, True])
def test_a_line_that_cannot_be_made_ends_no_others_is_counted_and_told_to_the_loop(at_the_end: bool) -> None:
    told: list[str] = []

    async def log() -> list[str]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(f"{context['message']}: {context['exception']}"))
        written = io.StringIO()
        log = EventLog(loop, stream=written)
        log.say("before")
        log.say("odd", what=Unspeakable())
        log.say("after")
        async with asyncio.timeout(PATIENCE):
            while not at_the_end and written.getvalue().count("\n") < 2:
                await asyncio.sleep(0.001)
        assert log.dropped == (0 if at_the_end else 1)
        log.close(PATIENCE)
        return written.getvalue().splitlines()

    before, after, dropped = asyncio.run(log())
    assert [json.loads(line)["event"] for line in (before, after)] == ["before", "after"]
    assert dropped == "1 log lines were dropped"
    assert told == ["cannot log odd: no words for this"]


def test_what_does_not_fit_the_queue_is_counted_and_said_at_the_end() -> None:
    def use(log: EventLog) -> None:
        for _ in range(10_003):
            log.fact(DOWN)
        assert log.dropped == 3

    *facts, last = logged(use)
    assert len(facts) == 10_000
    assert last == "3 log lines were dropped"


def test_a_log_that_nobody_reads_holds_up_neither_the_loop_nor_the_end() -> None:
    read, write = os.pipe()  # which holds 64 KiB

    async def log() -> None:
        with os.fdopen(read) as lines, os.fdopen(write, "w") as stream:
            log = EventLog(asyncio.get_running_loop(), stream=stream)
            for number in range(100):
                log.say("x" * 10_000, number=number)
                await asyncio.sleep(0)
            log.close(timeout=0.05)
            late = [json.loads(await asyncio.to_thread(lines.readline)) for _ in range(100)]
            assert [line["number"] for line in late] == list(range(100))

    asyncio.run(log())


def test_its_processors_fit_any_chain_of_structlog() -> None:
    def line(*processors: Processor, **fields: object) -> str:
        logger = structlog.wrap_logger(structlog.ReturnLogger(), processors=processors)
        said: str = logger.info("HealthChanged", time=0.0, **fields)
        return said

    words = EventToLine(narrator())
    assert "seq=42" in line(words, KeyValueRenderer(), fact=DOWN)
    assert line(words, KeyValueRenderer(), pid=7) == "time=0.0 pid=7 event='HealthChanged'"
    assert f"{REAL} is down" in line(words, TerminalRenderer(Paint(enabled=False)), fact=DOWN)
