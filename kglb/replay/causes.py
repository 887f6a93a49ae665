"""The tree of records that led to one, as far as records name each other. Pure but for reading."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from kglb.events import HealthChanged, ProbeFlipped
from kglb.replay.about import Wanted, narrow
from kglb.replay.source import Found, Source
from kglb.replay.touches import causes_of

WIDEST = 8
"""How many causes of one record are followed: ten thousand reals that fail together have as many."""

GONE = "the journal no longer has this record"
"""What to say in the place of a cause that was removed since."""

_KEPT = 4096

_STORM = (ProbeFlipped, HealthChanged)
"""What there are many of when many reals fail together, and what nearly everything comes from; small records."""

_NOTED = 1 << 15
"""Of these so many are kept at hand: those of ten thousand reals that fail, one check after the other."""


class Cause(NamedTuple):
    """A record of the tree, how far from the one it led to, and how many causes beside it were left out.

    ``record`` is None where the journal no longer has it.
    """

    depth: int
    seq: int
    record: Found | None
    more: int = 0

    @property
    def left_out(self) -> str:
        """How many were left out, in words that follow the cause; empty if none were."""
        return f" (and {self.more} more causes)" if self.more else ""


class Causes:
    """The causes of any record of a journal. To look for one in it costs the reading of a checkpoint."""

    def __init__(self, source: Source) -> None:
        self._read = lru_cache(_KEPT)(source.record)
        self._noted: dict[int, Found] = {}

    def note(self, record: Found) -> None:
        """Take a record in that is read anyway, so that it need not be looked for."""
        if isinstance(record.event, _STORM):
            self._noted[record.seq] = record
            if len(self._noted) > _NOTED:
                del self._noted[next(iter(self._noted))]

    def of(self, record: Found, wanted: Wanted) -> Iterator[Cause]:
        """What led to a record, depth first, newest first; each record once, where it is met first."""
        seen = {record.seq}
        todo = self._beyond(record, wanted, 1)
        while todo:
            cause = todo.pop()
            if cause.seq not in seen:
                seen.add(cause.seq)
                yield cause
                if cause.record is not None:
                    todo += self._beyond(cause.record, wanted, cause.depth + 1)

    def _beyond(self, record: Found, wanted: Wanted, depth: int) -> list[Cause]:
        """The newest causes of a record, oldest first."""
        seqs = sorted(seq for seq in causes_of(narrow(record.event, wanted), record.cause) if 0 < seq < record.seq)
        more = max(0, len(seqs) - WIDEST)
        return [
            Cause(depth, seq, self._noted.get(seq) or self._read(seq), more if index == 0 else 0)
            for index, seq in enumerate(seqs[more:])
        ]
