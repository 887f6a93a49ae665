"""What the names of balancers and reals mean, up to a record: which services, which addresses.

A name in the config has one address after the other. It means all of them that the journal still knows.
"""

from functools import cached_property

import msgspec

from kglb.events import Event, NameResolved, RealAdded, ResolutionFailed
from kglb.model import RealId
from kglb.replay.context import Context
from kglb.replay.finding import find_reals
from kglb.replay.names import Names
from kglb.replay.source import Source
from kglb.replay.state_at import state_at


def called(event: Event) -> tuple[str, ...]:
    """What the config calls the real whose address an event tells: its host, and that without the port."""
    match event:
        case RealAdded(entry=entry):
            host = entry.host
        case NameResolved(host=host) | ResolutionFailed(host=host):
            pass
        case _:
            return ()
    return _spellings(host)


def _spellings(host: str) -> tuple[str, str]:
    return host, host.rpartition(":")[0]


class Known:
    """What is known up to record ``seq``, read from the journal when it is asked for."""

    def __init__(self, source: Source, context: Context, seq: int) -> None:
        self._source = source
        self._context = context
        self._seq = seq

    @cached_property
    def names(self) -> Names:
        """The balancers' names."""
        return self._context.names(self._seq)

    def reals(self, name: str) -> frozenset[RealId]:
        """Every address that a real of this name has had; none of one that never had any.

        Raises UnknownRealError, NothingRecordedError.
        """
        first = self._source.bounds()[0]
        begun = state_at(self._source, first).state.fleet.balancers.values()
        every = (real for balancer in begun for real in balancer.reals.values())
        found = {real.real for real in every if name in _spellings(real.entry.host)}
        told = False
        text = b'"host":' + msgspec.json.encode(name)
        needles = (text, text[:-1] + b":")
        for record in self._source.search_back(needles, first, self._seq, RealAdded, NameResolved, ResolutionFailed):
            if name in called(record.event):
                told = True
                if isinstance(record.event, RealAdded):
                    found.add(record.event.real)
        return frozenset(found) if found or told else self._now(name)

    def _now(self, name: str) -> frozenset[RealId]:
        """Those that the state knows. Raises UnknownRealError with what is close."""
        state = state_at(self._source, self._seq).state
        return frozenset(one.real for one in find_reals(state.fleet, name))
