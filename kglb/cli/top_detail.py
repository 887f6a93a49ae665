"""The screen that ``top`` opens for one real: what is known of it, and its events with what led to them."""

import time
from typing import ClassVar

from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from kglb.cli import live_words as words
from kglb.cli.columns import Cell
from kglb.cli.status import row
from kglb.cli.top_fleet import Fleet, Key, Row
from kglb.web.live import LiveState

MOST_EVENTS = 60
REFRESH = 0.5
"""Seconds between two drawings."""

STYLES = {"good": "green", "bad": "bold red", "warning": "yellow", "quiet": "dim", "strong": "bold", "plain": ""}
"""How textual shows the tones of ``kglb.cli.output``."""


def painted(cell: Cell, *, number: bool = False) -> Text:
    """A cell as textual shows it."""
    return Text(cell.text, style=STYLES[cell.tone], justify="right" if number else "left")


class Detail(Screen[None]):
    """One real: what is known of it, and its events with what led to them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "app.pop_screen", "Back")]

    def __init__(self, fleet: Fleet, key: Key) -> None:
        super().__init__()
        self._fleet = fleet
        self._key = key

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Static(id="facts")
        with VerticalScroll():
            yield Static(id="events")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to draw."""
        self.query_one(VerticalScroll).focus()
        self.draw()
        self.set_interval(REFRESH, self.draw)

    def draw(self) -> None:
        """Show what is known now."""
        known = self._fleet.row(self._key)
        self.query_one("#facts", Static).update(_gone(self._key) if known is None else _facts(known, self._fleet.state))
        self.query_one("#events", Static).update(self._events())

    def _events(self) -> Table:
        told = self._fleet.about(self._key, MOST_EVENTS)
        lines = Table.grid("at", Column("record", justify="right"), "what", padding=(0, 2, 0, 0))
        for event, depth in told:
            style = STYLES["quiet"] if depth else STYLES[event.tone]
            text = Text(f"because: {event.text}" if depth else event.text, style)
            clock = time.strftime("%H:%M:%S", time.localtime(event.at))
            lines.add_row(Text(clock, style), Text(str(event.seq), style), Padding(text, (0, 0, 0, 2 * depth)))
        if not told:
            lines.add_row("", "", "no events that the daemon still keeps; kglb-actors explain has all")
        return lines


def _gone(key: Key) -> Text:
    return Text(f"{key[1]} of {key[0]} is gone", style=STYLES["warning"])


def _facts(known: Row, state: LiveState) -> Text:
    service, real = known
    cells = row(real, state.now)
    title = Text(f"{cells[0].text} of {service.name}  {service.service}", style="bold")
    told = Text("  ").join(
        [painted(cells[1]), Text(f"weight {words.weight(real)}, {words.number(real.configured)} when up")]
    )
    connections = f"{words.number(real.active)} active, {words.number(real.inactive)} inactive connections"
    decided = f"health by record {real.health_seq}, weight by record {real.weight_seq}"
    checked = f"last check took {words.milliseconds(real.latency)}; so for {cells[-2].text}"
    return Text("\n").join(
        [
            title,
            told,
            Text(f"{connections}; {real.forward}"),
            Text(f"{words.says(real)}; {checked}"),
            Text(decided, "dim"),
        ]
    )
