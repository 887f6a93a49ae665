"""Several journals read as one, by time. Within one journal the order is always that of its numbers."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from kglb.replay.selection import Selection
from kglb.replay.source import Found, Source


class Stretch(NamedTuple):
    """What is asked of one journal: which of the records ``first`` to ``last``. ``host`` is what it is called."""

    host: str
    selection: Selection
    first: int
    last: int


class Shown(NamedTuple):
    """A record, and where it comes from."""

    record: Found
    stretch: Stretch


def hosts(sources: Sequence[Source]) -> list[str]:
    """What journals are called: the host that wrote each, or its path where a host has written several."""
    if len(sources) == 1:
        return [str(sources[0].path)]
    names = [opened.event.host if (opened := source.reader.checkpoint()) else str(source.path) for source in sources]
    count = Counter(names)
    return [name if count[name] == 1 else str(source.path) for name, source in zip(names, sources, strict=True)]


def oldest_first(stretches: Iterable[Stretch]) -> Iterator[Shown]:
    """All that passes."""
    streams = (_shown(part, part.selection.passing(part.first, part.last)) for part in stretches)
    return heapq.merge(*streams, key=_at)


def newest_first(stretches: Iterable[Stretch], count: int | None) -> Iterator[Shown]:
    """All that passes, or of each journal no more than ``count``."""
    streams = (_shown(part, part.selection.backwards(part.first, part.last, count)) for part in stretches)
    return heapq.merge(*streams, key=_at, reverse=True)


def following(stretches: Iterable[Stretch]) -> Iterator[Shown | None]:
    """What comes after each stretch, for ever; None whenever there is no more yet in any."""
    growing = [(part, part.selection.following(max(part.first, part.last + 1))) for part in stretches]
    while True:
        streams = (_shown(part, _present(records)) for part, records in growing)
        yield from heapq.merge(*streams, key=_at)
        yield None


def _present(records: Iterator[Found | None]) -> Iterator[Found]:
    return (record for record in takewhile(lambda record: record is not None, records) if record is not None)


def _shown(stretch: Stretch, records: Iterable[Found]) -> Iterator[Shown]:
    return (Shown(record, stretch) for record in records)


def _at(shown: Shown) -> str:
    return shown.record.at
