"""To wait for a drain's last connection, whatever becomes of the drain meanwhile; against a daemon that is scripted."""

import io
import json
from collections.abc import Callable

import pytest

from kglb.cli import drain
from kglb.model import RealId, ServiceId
from kglb.web.orders import Answer, Done, Draining, DrainOrder, Drains, DrainsOrder, Order, Steered
from tests.cli.conftest import Command

REALS = ("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80")
SERVICE = ServiceId("tcp://192.0.2.1:80")

Script = Callable[..., None]


def draining(real: str, connections: int | None, finished: int = 0) -> Draining:
    return Draining("web", SERVICE, RealId(real), 1, connections, finished)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Has a daemon drain some reals and answer one look after the other; the last one again and again."""

    def begin(*looks: tuple[Draining, ...]) -> None:
        answers = iter(looks)
        done = Done(reals=tuple(Steered("web", SERVICE, one.real, one.real, 1) for one in looks[0]), on_disk=True)

        def give(order: Order, path: str) -> Answer:
            if isinstance(order, DrainOrder):
                return done
            assert order == DrainsOrder(real="10.0.0.1")
            return Drains(reals=next(answers, looks[-1]))

        monkeypatch.setattr(drain, "give", give)
        monkeypatch.setattr(drain, "POLL", 0.01)

    return begin


def test_every_real_is_waited_for(kglb: Command, script: Script) -> None:
    one, two = REALS[:2]
    script(
        (draining(one, None), draining(two, 3)),
        (draining(one, 0, 5), draining(two, 1)),
        (draining(one, 0, 5), draining(two, 0, 7)),
    )
    ran = kglb("drain", "10.0.0.1", "--wait")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[2:] == [
        f"{one} of web has no connection left (record 5)",
        f"{two} of web has no connection left (record 7)",
    ]


def test_who_has_waited_long_enough_is_told_what_is_left_and_the_drain_goes_on(kglb: Command, script: Script) -> None:
    script(tuple(draining(real, number + 1) for number, real in enumerate(REALS)))
    ran = kglb("drain", "10.0.0.1", "--wait", "--timeout", "1s")
    assert ran.code == 1
    left = "10.0.0.1:80 of web has 1 connection, 10.0.0.2:80 of web has 2 connections"
    assert f"error: after 1 s {left}, 10.0.0.3:80 of web has 3 connections, and 1 more still" in ran.err
    assert "the drain goes on" in ran.err


def test_a_drain_that_somebody_ends_is_waited_for_no_longer(kglb: Command, script: Script) -> None:
    script((draining(REALS[0], 3),), ())
    ran = kglb("drain", "10.0.0.1", "--wait")
    assert ran.code == 1
    assert "no longer drained: 10.0.0.1:80 of web" in ran.err


def test_a_program_gets_what_was_ordered_and_how_it_ended_a_line_each(kglb: Command, script: Script) -> None:
    script((draining(REALS[0], 0, 9),))
    ran = kglb("drain", "10.0.0.1", "--wait", "-o", "json")
    ordered, ended = map(json.loads, ran.out.splitlines())
    assert (ordered["type"], ended["type"], ended["reals"][0]["finished"]) == ("done", "drains", 9)


def test_on_a_terminal_the_number_is_seen_to_fall(
    kglb: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    script((draining(REALS[0], 3),), (draining(REALS[0], 0, 9),))
    kglb("drain", "10.0.0.1", "--wait")
    assert terminal.getvalue() == "\r\x1b[K10.0.0.1:80 of web has 3 connections\r\x1b[K"


def test_a_timeout_without_a_wait_is_a_mistake(kglb: Command) -> None:
    ran = kglb("drain", "10.0.0.1", "--timeout", "5m")
    assert ran.code == 2
    assert "add --wait" in ran.err
