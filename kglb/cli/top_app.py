"""The list of ``top``: every real, kept fresh by the daemon. It shows what ``Fleet`` knows, and changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import ClassVar

import msgspec
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Input, Static

from kglb.cli import live_words as words
from kglb.cli.columns import GAP, Cell, Column, fitting, shortened
from kglb.cli.output import Failed
from kglb.cli.status import COLUMNS, row
from kglb.cli.top_detail import STYLES, Detail, painted
from kglb.cli.top_fleet import ORDERS, Fleet, Key, Row
from kglb.replay.words import plural
from kglb.web.live import LiveState

MOST_ROWS = 500
"""Reals that are shown; more than anybody reads, few enough to draw at once."""

REFRESH = 2.0
"""Seconds between two readings of the state, for connections and latencies; IPVS counts as often."""

DRAW = 0.25
"""Seconds between two drawings, and at least between two readings."""

ROOM = 14
"""Characters for what checks and people say; all of it is in the screen of the one real."""

_MARGIN = 4  # beside the columns: padding and the scroll bar
ALL_COLUMNS = (COLUMNS[0], Column("BALANCER", spare=1), *COLUMNS[1:])

Stream = Callable[[int | None], AsyncIterator[tuple[str, bytes]]]


class Top(App[None]):
    """``read`` gives the state (blocking), ``stream`` the messages after an event."""

    TITLE = "kglb-actors"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #head { height: auto; max-height: 6; padding: 0 1; }
    #filter { display: none; height: 3; }
    #filter.asked { display: block; }
    #facts { height: auto; padding: 0 1 1 1; }
    #events { padding: 0 1; }
    DataTable { height: 1fr; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "Sort"),
        Binding("slash", "filter", "Filter"),
        Binding("t", "trouble", "Only trouble"),
        Binding("escape", "clear", "Show all", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, state: LiveState, read: Callable[[], LiveState], stream: Stream) -> None:
        super().__init__()
        self.fleet = Fleet(state)
        self._read = read
        self._stream = stream
        self._order = 0
        self._words = ""
        self._trouble = False
        self._lost = ""
        self._stale = asyncio.Event()
        self._shown: list[Key] = []
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="head")
        yield Input(placeholder="words that a balancer, real, state or reason has", id="filter")
        yield DataTable[Text](cursor_type="row", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        """Begin to listen and to draw."""
        self.query_one(DataTable).focus()
        self.run_worker(self._follow(), exclusive=False)
        self.run_worker(self._reread(), exclusive=False)
        self.draw()
        self.set_interval(DRAW, self.draw)

    def on_resize(self) -> None:
        """Choose the columns anew."""
        self.call_after_refresh(self.draw)

    # --- what comes in -------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Take the daemon's messages; try again for ever."""
        while True:
            try:
                async for event, data in self._stream(self.fleet.newest):
                    if self.fleet.take(event, data):
                        self._stale.set()
            except (OSError, msgspec.MsgspecError) as error:
                self._lost = str(error)
            await asyncio.sleep(1.0)

    async def _reread(self) -> None:
        """Read the state when it is stale, and every REFRESH all the same."""
        while True:
            try:
                async with asyncio.timeout(REFRESH):
                    await self._stale.wait()
            except TimeoutError:
                pass
            self._stale.clear()
            try:
                self.fleet.state, self._lost = await asyncio.to_thread(self._read), ""
            except Failed as failed:
                self._lost = failed.problem
            await asyncio.sleep(DRAW)

    # --- what is shown -------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Show what is known now, if that is anything new."""
        now = (self.fleet.state, self._order, self._words, self._trouble, self._lost, self.size)
        if now == self._drawn or not self.screen_stack or isinstance(self.screen, Detail):
            return
        self._drawn = now
        rows = self.fleet.rows(tuple(ORDERS)[self._order], self._words, trouble=self._trouble)
        self.query_one("#head", Static).update(self._head(len(rows)))
        self._fill(rows[:MOST_ROWS])

    def _head(self, found: int) -> Text:
        state, width = self.fleet.state, max(20, self.size.width - 2)
        problems = words.troubles(state)
        lines = [Text(words.headline(state), style="bold")]
        if self._lost:
            lines.append(Text(f"no answer, so this is old: {self._lost}", style=STYLES["bad"]))
        elif problems:
            lines += [Text(shortened(f"! {text}", width), style=STYLES["bad"]) for text in problems[:2]]
            lines += [Text(f"! and {plural(len(problems) - 2, 'trouble')} more", STYLES["bad"])] if problems[2:] else []
        else:
            lines.append(Text("all is as it should be", style=STYLES["good"]))
        total = sum(len(service.reals) for service in state.balancers)
        shown = f"{min(found, MOST_ROWS)} of {plural(total, 'real')} by {tuple(ORDERS)[self._order]}"
        narrowed = [f'with "{self._words}"'] * bool(self._words) + ["in trouble"] * self._trouble
        lines.append(Text(f"{shown}{''.join(f', {one}' for one in narrowed)}; {words.journal(state)}", style="dim"))
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return Text("\n").join(lines)

    def _fill(self, rows: list[Row]) -> None:
        """Show the rows; the cursor stays on its real."""
        table = self.query_one(DataTable)
        here = self._shown[table.cursor_row] if table.cursor_row < len(self._shown) else None
        cells = [_cells(one, self.fleet.state.now) for one in rows]
        widths = [
            max(len(column.heading), *(len(line[at].text) for line in cells), 0)
            for at, column in enumerate(ALL_COLUMNS)
        ]
        width = self.size.width - _MARGIN
        chosen = fitting(ALL_COLUMNS, widths, width, ROOM)
        left = max(ROOM, width - sum(widths[at] + len(GAP) for at in chosen))
        table.clear(columns=True)
        for at in chosen:
            table.add_column(ALL_COLUMNS[at].heading, width=widths[at])
        table.add_column(ALL_COLUMNS[-1].heading, width=left)
        for line in cells:
            shown = [painted(line[at], number=ALL_COLUMNS[at].number) for at in chosen]
            table.add_row(*shown, painted(Cell(shortened(line[-1].text, left), line[-1].tone)))
        self._shown = [one.key for one in rows]
        if here in self._shown:
            table.move_cursor(row=self._shown.index(here), animate=False)

    # --- what the user does --------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - there are none
        """What is about the list has no effect on the screen of one real."""
        return not (isinstance(self.screen, Detail) and action in ("sort", "filter", "trouble", "clear"))

    def action_sort(self) -> None:
        """Sort in the next way."""
        self._order = (self._order + 1) % len(ORDERS)
        self.draw()

    def action_trouble(self) -> None:
        """Leave only what is not as it should be, or show all again."""
        self._trouble = not self._trouble
        self.draw()

    def action_filter(self) -> None:
        """Ask for words."""
        field = self.query_one(Input)
        field.add_class("asked")
        field.focus()

    def action_clear(self) -> None:
        """Show everything again."""
        self.query_one(Input).value = ""
        self._trouble = False
        self._close_filter()
        self.draw()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow as the words come."""
        self._words = event.value
        self.draw()

    def on_input_submitted(self) -> None:
        """Back to the reals."""
        self._close_filter()

    def _close_filter(self) -> None:
        self.query_one(Input).remove_class("asked")
        self.query_one(DataTable).focus()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open a real."""
        if event.cursor_row < len(self._shown):
            self.push_screen(Detail(self.fleet, self._shown[event.cursor_row]))


def _cells(shown: Row, now: float) -> tuple[Cell, ...]:
    first, *others = row(shown.real, now)
    return (first, Cell(shown.service.name), *others)
