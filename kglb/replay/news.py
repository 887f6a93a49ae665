"""Reads a journal without missing anything: from a place on, without end, with what is to be told.

It continues whatever happens to the journal: a new segment, a repair, damage, a prune of what was not read yet, another
journal in its place. What could not be read is reported instead. It neither waits nor writes.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from re import Pattern
from typing import Final, NamedTuple

from journal import Damaged
from kglb.events import ConfigApplied
from kglb.replay.called import Known
from kglb.replay.context import Context
from kglb.replay.errors import NothingRecordedError
from kglb.replay.notices import Notice, Notices
from kglb.replay.place import Place, place_of, pruned, resume
from kglb.replay.selection import Filter, FilterError, Selection, parse_filter
from kglb.replay.source import Found, Source
from kglb.replay.times import Moment
from kglb.replay.waking import Waking, modes_after

RECHECK: Final = 5.0
"""Seconds without a record after which it looks whether this is still the journal that it reads."""


class Wanted(NamedTuple):
    """What is to be told: filter terms as ``tail`` takes them, and what sentences are to match.

    Without a type among the terms it is what wakes a person; with ``everything`` it is all.
    """

    terms: tuple[tuple[str, str], ...] = ()
    pattern: Pattern[str] | None = None
    everything: bool = False


class Step(NamedTuple):
    """The journal is read up to ``place``, and this is to be told of it; None if nothing is."""

    place: Place | None
    notice: Notice | None


class News:
    """The journal at ``path``. ``monotonic`` gives seconds, ``now`` the time in the form that records have.

    Raises FilterError, and NoJournal.
    """

    def __init__(self, path: Path, wanted: Wanted, *, monotonic: Callable[[], float], now: Callable[[], str]) -> None:
        self._wanted = wanted
        self._monotonic = monotonic
        self._now = now
        self._unread: list[str] = []
        self._source = Source(path, on_damage=self._note_damage)
        self._aside = Source(path, on_damage=lambda _: None)  # what is looked up besides is no news
        self._chosen = self._choose(Context(self._aside), self.end())

    def beginning(self, since: Moment | None) -> Place | None:
        """Where to begin who was never here: before a time, or behind the last record. None: with the first record."""
        end = self.end()
        seq = end if since is None or end == 0 else self._aside.reader.seq_at(since.first) - 1
        return self._behind(seq)

    def end(self) -> int:
        """The number of the last record; 0 if there is none."""
        try:
            return self._aside.bounds()[-1]
        except NothingRecordedError:
            return 0

    def steps(self, place: Place | None) -> Iterator[Step | None]:
        """Step by step from behind a place on, for ever; None whenever there is no more yet."""
        while True:
            try:
                first, lost = (self._aside.bounds()[0], "") if place is None else resume(self._aside, place)
            except NothingRecordedError:
                yield None
                continue
            self._enter(first - 1)
            if lost:
                before, place = place, self._behind(first - 1)
                yield Step(place, self._missed(before, lost))
            for step in self._walk(first, place):
                place = place if step is None else step.place
                yield step

    def _walk(self, first: int, place: Place | None) -> Iterator[Step | None]:
        """From a record on, until the journal is found to be no longer the one that was read."""
        looked = self._monotonic()
        for record in self._source.reader.follow(first):
            while self._unread:
                yield Step(place, self._missed(place, self._unread.pop(0)))
            if record is not None:
                place = place_of(record)
                yield Step(place, self._told_of(record))
                continue
            yield None
            if place is not None and self._monotonic() - looked >= RECHECK:
                if self._has_changed(place):
                    return
                looked = self._monotonic()

    def _has_changed(self, place: Place) -> bool:
        try:
            return bool(resume(self._aside, place).lost)
        except NothingRecordedError:
            return True

    def _behind(self, seq: int) -> Place | None:
        record = self._aside.record(seq)
        return None if record is None else place_of(record)

    def _enter(self, seq: int) -> None:
        """Begin behind record ``seq``: with the names, the modes and the writer of then."""
        opened = self._aside.reader.checkpoint(seq) or self._aside.reader.checkpoint()
        self._selection = Selection(self._aside, self._chosen, Context(self._aside), self._wanted.pattern)
        self._notices = Notices(self._selection, "" if opened is None else opened.event.host)
        self._waking = Waking(modes_after(self._aside, seq))

    def _told_of(self, record: Found) -> Notice | None:
        selection = self._selection
        passes, wakes = selection.passes(record), self._waking.wakes(record.event)
        self._notices.note(record)
        if isinstance(record.event, ConfigApplied):
            with suppress(FilterError):  # the balancer has left: who it was is still known
                self._chosen = selection.chosen = self._choose(selection.context, record.seq)
        everything = self._wanted.everything or selection.chosen.types
        return self._notices.of(record) if passes and (everything or wakes) else None

    def _choose(self, context: Context, seq: int) -> Filter:
        return parse_filter(self._wanted.terms, Known(self._aside, context, seq))

    def _missed(self, place: Place | None, text: str) -> Notice:
        return self._notices.missed(0 if place is None else place.seq, self._now(), text)

    def _note_damage(self, damaged: Damaged) -> None:
        oldest = next((segment.first_seq for segment in self._aside.reader.segments()), 0)
        if damaged.seq < oldest:
            self._unread.append(pruned(damaged.seq, oldest - 1))
        else:
            self._unread.append(f"damaged: {damaged}; going on behind it")
