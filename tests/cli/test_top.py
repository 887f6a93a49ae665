"""The screens of ``top``, driven as a user does; and the verb where it cannot run."""

import asyncio
import builtins
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static

from kglb.cli.live_events import read_events
from kglb.cli.looking import read_live
from kglb.cli.output import EXIT_ENVIRONMENT, Failed
from kglb.cli.top_app import Top
from kglb.cli.top_detail import Detail
from kglb.model import parse_endpoint
from tests.browser.site import Reals, daemon
from tests.cli.conftest import Command
from tests.cli.live import live, one_down_one_drained
from tests.cli.test_top_fleet import fact
from tests.patience import PATIENCE
from tests.projections.builders import real_id

Scenario = Callable[[Top, Pilot[None]], Awaitable[None]]


async def told(after: int | None) -> AsyncIterator[tuple[str, bytes]]:
    """Three events about the real that is down, and then nothing for long."""
    for message in (fact(20), fact(21, cause=20), fact(22, cause=21)):
        yield "fact", message
    await asyncio.sleep(3600)


def play(scenario: Scenario, size: tuple[int, int] = (80, 24)) -> None:
    state = live(one_down_one_drained())

    async def main() -> None:
        app = Top(state, lambda: state, told)
        async with app.run_test(size=size) as pilot:
            await scenario(app, pilot)

    asyncio.run(main())


def rows(app: Top) -> list[str]:
    table = app.query_one(DataTable)
    return [str(table.get_row_at(at)[0]) for at in range(table.row_count)]


def text(app: Top, id: str) -> str:
    return str(app.screen.query_one(id, Static).render())


def events(app: Top) -> list[str]:
    """The lines of a real's events."""
    printed = StringIO()
    Console(file=printed, width=100).print(app.screen.query_one("#events", Static).content)
    return [line.strip() for line in printed.getvalue().splitlines()]


async def until(pilot: Pilot[None], condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await pilot.pause(0.05)


@pytest.mark.parametrize("size", [(80, 24), (50, 10), (200, 60)])
def test_the_worst_stands_on_top_at_any_size(size: tuple[int, int]) -> None:
    async def scenario(app: Top, pilot: Pilot[None]) -> None:
        assert rows(app) == [real_id(1), real_id(2), real_id(0), real_id(3)]
        assert f"! web: {real_id(1)} is down" in text(app, "#head")
        assert app.query_one(DataTable).max_scroll_x == 0 or size[0] < 80

    play(scenario, size)


def test_keys_sort_and_narrow() -> None:
    async def scenario(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("s", "s")
        assert "by weight" in text(app, "#head")
        assert rows(app)[0] == real_id(0)
        await pilot.press("t")
        assert real_id(2) not in rows(app)
        await pilot.press("t", "slash", *"drained")
        await until(pilot, lambda: rows(app) == [real_id(2)])
        await pilot.press("enter")
        assert not app.query_one(Input).has_class("asked")
        await pilot.press("escape")
        await until(pilot, lambda: len(rows(app)) == 4)

    play(scenario)


def test_the_cursor_stays_on_its_real_when_the_order_changes() -> None:
    async def scenario(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("s", "s")
        assert app.query_one(DataTable).cursor_row == rows(app).index(real_id(1)) == 2

    play(scenario)


def test_a_real_opens_with_its_events_and_what_led_to_them() -> None:
    async def scenario(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.fleet.newest == 22)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Detail))
        assert f"{real_id(1)} of web" in text(app, "#facts")
        assert "connection refused, 2 failures in a row" in text(app, "#facts")
        assert [line.partition("  ")[2] for line in events(app)] == [
            "22  event 22",
            "21    because: event 21",
            "20      because: event 20",
        ]
        await pilot.press("s")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, Detail))
        assert "by trouble" in text(app, "#head")

    play(scenario)


def test_a_daemon_that_is_gone_is_said() -> None:
    state = live(one_down_one_drained())

    def gone() -> Any:
        raise Failed(EXIT_ENVIRONMENT, "no daemon answers at 127.0.0.1:5678")

    async def main() -> None:
        app = Top(state, gone, told)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: "so this is old: no daemon answers" in text(app, "#head"))
            await pilot.press("q")

    asyncio.run(main())


def test_a_real_that_dies_is_seen_at_once(tmp_path: Path) -> None:
    reals = Reals(1, 2)

    async def main(where: str) -> None:
        endpoint = parse_endpoint(where)
        read = partial(read_live, endpoint)
        app = Top(read(), read, partial(read_events, endpoint))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: all(row.real.word == "up" for row in app.fleet.rows("trouble")))
            reals.kill(reals.names[0][1])
            await until(pilot, lambda: rows(app)[0] == reals.names[0][1] and "is down" in text(app, "#head"))
            await pilot.press("enter")
            await until(pilot, lambda: any(event.type == "HealthChanged" for event in app.fleet.events))

    try:
        with daemon(tmp_path, reals, names=("web",)) as page:
            asyncio.run(main(page.removeprefix("http://").rstrip("/")))
    finally:
        reals.close()


# --- the verb -----------------------------------------------------------------------------------------------------


def test_without_a_terminal_it_names_the_verb_that_needs_none(kglb: Command) -> None:
    ran = kglb("top")
    assert ran.code == 3
    assert "kglb-actors status" in ran.err


def test_without_textual_it_says_how_to_get_it(kglb: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def no_textual(name: str, *rest: Any) -> Any:
        if name == "kglb.cli.top_app":
            raise ModuleNotFoundError("No module named 'textual'")
        return real_import(name, *rest)

    monkeypatch.setattr("kglb.cli.top.sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("kglb.cli.top.sys.stdout.isatty", lambda: True)
    monkeypatch.setattr(builtins, "__import__", no_textual)
    ran = kglb("top")
    assert ran.code == 3
    assert "pip install 'kglb-actors[top]'" in ran.err
