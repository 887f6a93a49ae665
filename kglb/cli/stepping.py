"""``replay --step``: through an incident record by record, asked for on a terminal or fed from a pipe."""

from collections.abc import Callable

from kglb.cli.output import Paint, put
from kglb.cli.reading import Zone
from kglb.replay.called import Known
from kglb.replay.context import Context
from kglb.replay.differences import Difference, differences
from kglb.replay.selection import Filter, FilterError, Selection, parse_filter
from kglb.replay.source import Found, Source
from kglb.replay.state_at import Onward
from kglb.replay.view import StateView, view

HELP = (
    "n (or nothing): the next record   p: the one before   NUMBER: that record   s: the whole state   q: end",
    "real=10.0.0.7:80, balancer=web, type=HealthChanged: n and p go to such records only; all: to any again",
)


class Stepper:
    """Goes to records, and says of each what it changed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._bounds = source.bounds()
        self._onward: Onward | None = None
        self._context = Context(source)
        self.selection = Selection(source, Filter(), self._context)

    def choose(self, text: str, seq: int) -> None:
        """Have only those records met that ``text``, as a filter, is about; all if it is empty. Raises FilterError."""
        terms = [(field, value) for field, _, value in (term.partition("=") for term in text.split())]
        chosen = parse_filter(terms, Known(self._source, self._context, seq))
        self.selection = Selection(self._source, chosen, self._context)

    def next_after(self, seq: int) -> int | None:
        """The next record of those chosen; None if there is no more."""
        found = next(self.selection.passing(seq + 1, self._bounds[-1]), None)
        return None if found is None else found.seq

    def last_before(self, seq: int) -> int | None:
        """The one before."""
        found = next(self.selection.backwards(self._bounds[0], seq - 1, 1), None)
        return None if found is None else found.seq

    def has(self, seq: int) -> bool:
        """Whether there is a record of that number."""
        return seq in self._bounds

    def at(self, seq: int) -> tuple[Found, tuple[Difference, ...]]:
        """A record, and what it changed."""
        before = self._view_at(seq - 1) if seq > self._bounds[0] else None
        now = self.state_at(seq)
        record = self._source.record(seq)
        assert record is not None
        return record, () if before is None else differences(before, now)

    def state_at(self, seq: int) -> StateView:
        """The state after a record."""
        return self._view_at(seq)

    def _view_at(self, seq: int) -> StateView:
        if self._onward is None or self._onward.replayed.state.seq > seq:
            self._onward = Onward(self._source, seq)
        for _ in self._onward.to(seq):
            pass
        return view(self._onward.replayed)


def step_through(
    source: Source,
    seq: int,
    zone: Zone,
    paint: Paint,
    render: Callable[[StateView], list[str]],
) -> None:
    """Show record ``seq`` and then what is asked for, until ``q`` or the end of what is typed."""
    stepper = Stepper(source)
    put(paint(HELP[0], "quiet"))
    put(paint(HELP[1], "quiet"))
    _show(stepper, seq, zone, paint)
    while (asked := _ask(seq)) is not None:
        found: int | None = seq
        if asked in ("", "n", "p"):
            found = stepper.last_before(seq) if asked == "p" else stepper.next_after(seq)
        elif asked.isascii() and asked.isdigit():
            found = int(asked) if stepper.has(int(asked)) else None
        elif asked == "s":
            for line in render(stepper.state_at(seq)):
                put(line)
            continue
        else:
            _choose(stepper, asked, seq)
            continue
        if found is None:
            put("there is no such record")
        else:
            seq = found
            _show(stepper, seq, zone, paint)


def _ask(seq: int) -> str | None:
    """What is typed; None for the end."""
    try:
        asked = input(f"{seq}> ").strip()
    except EOFError:
        put("")
        return None
    return None if asked == "q" else asked


def _choose(stepper: Stepper, asked: str, seq: int) -> None:
    try:
        stepper.choose("" if asked == "all" else asked, seq)
    except FilterError as error:
        put(f"{error}; or n, p, a number, s, all, q")


def _show(stepper: Stepper, seq: int, zone: Zone, paint: Paint) -> None:
    record, changes = stepper.at(seq)
    said = stepper.selection.said(record)
    put(f"{zone.show(record.at)}  {seq:>6}  {said.kind:<7}  {paint(said.text, said.tone)}")
    for change in changes:
        put(f"  {paint('~', 'warning')} {change}")
