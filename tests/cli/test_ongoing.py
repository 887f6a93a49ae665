"""What a running daemon says of its journal is asked of it alone, and costs nobody an answer."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from kglb.cli import ongoing
from kglb.events import JournalGap
from kglb.model import ControlConfig
from kglb.replay.source import Source
from kglb.replay.times import Moment, record_time
from kglb.web.orders import Answer, JournalStanding, Refused
from tests.cli.conftest import Command
from tests.patience import PATIENCE
from tests.projections.builders import applied, real_id, started
from tests.replay.journals import Fleet

SINCE = "2026-11-22T14:40:00.000000Z"
FULL = JournalStanding(degraded="disk full", since=SINCE, unwritten=3)
WELL = JournalStanding(degraded="", since="", unwritten=0)


@pytest.fixture
def path(fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The control socket in the config of a journal that this process is said to write."""
    found = str(tmp_path / "control.sock")
    event = applied(fleet.config)
    fleet.builder.record(replace(event, config=replace(event.config, control=ControlConfig(socket=found))))
    monkeypatch.setattr(ongoing, "writer_of", lambda _: os.getpid())
    return found


Listen = Callable[[bytes], None]


@pytest.fixture
def listen(path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listen]:
    """Has this process answer so, to whoever asks at the control socket."""
    monkeypatch.setattr(ongoing, "PATIENCE", PATIENCE)
    listener = socket.socket(socket.AF_UNIX)

    def begin(line: bytes) -> None:
        listener.bind(path)
        listener.listen()
        threading.Thread(target=answer, args=(line,), daemon=True).start()

    def answer(line: bytes) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                if connection.recv(1000):
                    connection.sendall(line)

    yield begin
    with suppress(OSError):  # it does not listen
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def line(answer: Answer) -> bytes:
    return msgspec.json.encode(answer) + b"\n"


def tail(kglb: Command, fleet: Fleet, *arguments: str) -> str:
    ran = kglb("tail", "--utc", "--journal", fleet.builder.directory, *arguments)
    assert ran.code == 0
    assert ran.out
    return ran.err


def test_a_journal_that_lacks_records_is_said_to_with_how_many_since_when_and_why(
    kglb: Command, fleet: Fleet, listen: Listen
) -> None:
    listen(line(FULL))
    assert tail(kglb, fleet) == (
        f"warning: {fleet.builder.directory} lacks the newest 3 records: since 2026-11-22 14:40:00.000 the disk takes "
        "none (disk full); kglb-actors status has what is now\n"
    )


def test_what_is_older_than_what_it_lacks_is_shown_without_a_word(kglb: Command, fleet: Fleet, listen: Listen) -> None:
    listen(line(FULL))
    assert tail(kglb, fleet, "--until", "2026-11-22 14:39") == ""
    assert "lacks" in tail(kglb, fleet, "--until", "2026-11-22 14:41")


@pytest.mark.parametrize(
    "answer", [line(WELL), line(Refused(why="usage", problem="the request is not understood")), b"no JSON\n", b""]
)
def test_who_does_not_say_that_it_lacks_any_is_believed_to_have_all(
    kglb: Command, fleet: Fleet, listen: Listen, answer: bytes
) -> None:
    listen(answer)
    assert tail(kglb, fleet) == ""


def test_another_process_at_that_socket_is_not_believed(
    kglb: Command, fleet: Fleet, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen(line(FULL))
    monkeypatch.setattr(ongoing, "writer_of", lambda _: os.getppid())
    assert tail(kglb, fleet) == ""


def test_without_a_writer_or_a_socket_nothing_is_known(
    kglb: Command, fleet: Fleet, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not Path(path).exists()
    assert tail(kglb, fleet) == ""
    fleet.builder.record(applied(fleet.config))
    monkeypatch.setattr(ongoing, "writer_of", lambda _: None)
    assert tail(kglb, fleet) == ""


def test_a_daemon_that_hangs_holds_nobody_up_for_long(
    kglb: Command, fleet: Fleet, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ongoing, "PATIENCE", 0.05)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        assert tail(kglb, fleet) == ""


def test_what_the_journal_says_holds_until_the_disk_took_no_more(fleet: Fleet, listen: Listen) -> None:
    listen(line(FULL))
    source = Source(fleet.builder.directory)
    assert ongoing.holds_until(source, fleet.builder.seq, None) == SINCE


def test_behind_a_record_it_holds_until_the_next_but_not_over_a_time_in_which_nobody_recorded(fleet: Fleet) -> None:
    source, builder = Source(fleet.builder.directory), fleet.builder
    last, then = builder.seq, record_time(builder.now + timedelta(minutes=5))
    until = Moment(then, then)
    assert ongoing.holds_until(source, last, until) == ""
    builder.passes(minutes=10)
    fleet.goes(real_id(0), up=False)
    assert ongoing.holds_until(source, last, until) == then
    assert ongoing.holds_until(source, last, None) == ""
    for event in (started(), JournalGap(first_seq=1, last_seq=2, since="", reason="")):
        last = builder.seq
        builder.record(event)
        assert ongoing.holds_until(source, last, until) == ""
