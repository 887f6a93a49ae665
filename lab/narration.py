"""What a demonstration prints: headings, sentences, other programs' words, a live table of traffic, and its claims.

Plain lines that read the same in a log; colour only on a terminal. A claim that does not hold is said so and
counted. Nothing here measures anything.
"""

import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from kglb.cli.output import paint_for

WIDTH = 100
REQUESTS_A_MARK = 4
BAR = 9
COLUMN = 6 + 5 + 1 + BAR + 1
"""Characters of a real's column: its weight, the requests it answered, a bar, spaces between."""


class Narrator:
    """Prints as it is told; ``broken`` counts the claims that did not hold."""

    def __init__(self) -> None:
        self.broken = 0
        self._paint = paint_for(sys.stdout)
        self._apart = False

    def heading(self, text: str) -> None:
        """Begin a scene."""
        self.gap()
        self._put(self._paint(text, "strong"))
        self._put(self._paint("-" * len(text), "quiet"))

    def say(self, text: str) -> None:
        """Say something, wrapped."""
        self._put(textwrap.fill(text, WIDTH, break_on_hyphens=False))

    def quote(self, lines: Iterable[str]) -> None:
        """Show what a program printed, set apart."""
        self.gap()
        for line in lines:
            self._put(f"    {line}".rstrip())
        self.gap()

    def command(self, *words: str) -> None:
        """Show a command that is run now, or can be."""
        self._put(f"    {self._paint('$ ' + ' '.join(words), 'strong')}")

    def gap(self) -> None:
        """Leave one line empty, unless one just was."""
        if not self._apart:
            self._put("")

    def _put(self, line: str) -> None:
        print(line, flush=True)
        self._apart = not line

    def claim(self, text: str, *, holds: bool) -> None:
        """Say what was measured, and whether it is as it should be."""
        self.broken += not holds
        mark = self._paint("ok    ", "good") if holds else self._paint("NOT SO", "bad")
        body = textwrap.fill(text, WIDTH, break_on_hyphens=False, initial_indent=" " * 10, subsequent_indent=" " * 10)
        self._put(f"  {mark}{body[8:]}")

    def table(self, reals: Sequence[str]) -> None:
        """Begin a table of traffic with a column for each real."""
        self.gap()
        columns = "".join(f"{real:>6}".ljust(COLUMN) for real in reals)
        units = "".join(f"{'weight':>6} req/s".ljust(COLUMN) for _ in reals)
        self._put(f"  second {columns}failed")
        self._put(self._paint(f"         {units.rstrip()}", "quiet"))

    def row(
        self,
        second: int,
        weights: Mapping[str, int],
        answered: Mapping[str, int],
        failed: int,
        notes: Iterable[str],
    ) -> None:
        """One second: each real's weight in the kernel and the requests it answered, by its name."""
        columns = "".join(self._column(weight, answered.get(real, 0)) for real, weight in weights.items())
        failures = self._paint(f"{failed:>6}", "bad" if failed else "quiet")
        said = "; ".join(notes)
        self._put(f"  {second:>6} {columns}{failures}{f'   <- {said}' if said else ''}")

    def _column(self, weight: int, answered: int) -> str:
        bar = "#" * min(BAR, -(-answered // REQUESTS_A_MARK))
        shown = self._paint(f"{weight:>6}", "plain" if weight else "bad")
        return f"{shown}{answered:>5} {self._paint(f'{bar:<{BAR}}', 'good')} "
