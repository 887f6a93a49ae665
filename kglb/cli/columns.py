"""Tables for people, of any width: columns that are needed least go first, and the last takes what is left.

A cell is a text and its tone; its width is that of the text.
"""

from collections.abc import Sequence
from typing import NamedTuple

from kglb.cli.output import Paint

GAP = "  "
ROOM = 24
"""Characters that the last column needs beside the others; with less it goes below them."""


class Cell(NamedTuple):
    """A text and the colour of what it says."""

    text: str
    tone: str = "plain"


class Column(NamedTuple):
    """A heading; ``spare`` columns may be left out, the highest first. Numbers stand to the right."""

    heading: str
    spare: int = 0
    number: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int | None, paint: Paint) -> list[str]:
    """Lines no wider than ``width``, if that is possible; None is as wide as it takes. The last column is free text."""
    widths = [max(len(column.heading), *(len(row[at].text) for row in rows), 0) for at, column in enumerate(columns)]
    shown = fitting(columns, widths, width)
    fixed = sum(widths[at] + len(GAP) for at in shown)
    below = width is not None and width - fixed < ROOM
    headings = [Cell(column.heading, "quiet") for column in columns]
    lines = []
    for row in [headings, *rows]:
        cells = [_padded(row[at], widths[at], number=columns[at].number, paint=paint) for at in shown]
        free, line = row[-1], GAP.join(cells)
        if below and row is not headings:
            lines.append(line.rstrip())
            lines += [GAP + paint(shortened(free.text, width, len(GAP)), free.tone)] if free.text else []
        elif below:
            lines.append(line.rstrip())
        else:
            lines.append(f"{line}{GAP}{paint(shortened(free.text, width, fixed), free.tone)}".rstrip())
    return lines


def shortened(text: str, width: int | None, taken: int = 0) -> str:
    """A text that fits beside what has ``taken`` its room."""
    if width is None or len(text) <= width - taken:
        return text
    return text[: max(0, width - taken - 3)] + "..."


def fitting(columns: Sequence[Column], widths: Sequence[int], width: int | None, room: int = ROOM) -> list[int]:
    """The columns that are shown, without the last: as many as leave it ``room``."""
    shown = list(range(len(columns) - 1))
    spare = sorted((at for at in shown if columns[at].spare), key=lambda at: columns[at].spare)
    while width is not None and spare and sum(widths[at] + len(GAP) for at in shown) > width - room:
        shown.remove(spare.pop())
    return shown


def _padded(cell: Cell, width: int, *, number: bool, paint: Paint) -> str:
    padding = " " * (width - len(cell.text))
    painted = paint(cell.text, cell.tone)
    return padding + painted if number else painted + padding
