"""What a sentence about a record needs besides the record: the balancers' names then, and why probes failed.

It is read from the journal where it is needed, so that the first sentence about a big journal comes at once.
"""

from bisect import bisect_right, insort

import msgspec

from journal import UNDECODABLE
from kglb.events import ConfigApplied, ProbeFlipped
from kglb.model import Config, RealId, ServiceId
from kglb.replay.errors import CheckpointError
from kglb.replay.names import Names
from kglb.replay.source import Found, Source


class _StoredFleet(msgspec.Struct):
    config: Config | None = None


class _Stored(msgspec.Struct):
    """The part of a checkpoint that has the config."""

    fleet: _StoredFleet = msgspec.field(default_factory=_StoredFleet)


class Context:
    """Names and runs of one journal. ``note`` what is read, so that it need not be read again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._flips: dict[tuple[ServiceId, RealId], tuple[int, ProbeFlipped]] = {}
        self._configs: list[tuple[int, Names]] = []

    def note(self, record: Found) -> None:
        """Take a record in. Of a stretch that is read, all with a config must be noted."""
        match record.event:
            case ConfigApplied(config=config):
                self._insert(record.seq, Names(config.balancers))
            case ProbeFlipped(service=service, real=real):
                self._flips[service, real] = (record.seq, record.event)

    def names(self, seq: int) -> Names:
        """The names in force after record ``seq``."""
        index = bisect_right(self._configs, seq, key=_seq)
        return self._configs[index - 1][1] if index else self._insert(seq, _names_at(self._source, seq))

    def run(self, service: ServiceId, real: RealId, seq: int) -> ProbeFlipped | None:
        """The event that began the outcome run ``seq`` of a real; None if the journal no longer has it."""
        noted, flip = self._flips.get((service, real), (-1, None))
        if noted == seq:
            return flip
        record = self._source.record(seq)
        return record.event if record is not None and isinstance(record.event, ProbeFlipped) else None

    def _insert(self, seq: int, names: Names) -> Names:
        insort(self._configs, (seq, names), key=_seq)
        return names


def _seq(config: tuple[int, Names]) -> int:
    return config[0]


def _names_at(source: Source, seq: int) -> Names:
    config = config_at(source, seq)
    return Names() if config is None else Names(config.balancers)


def config_at(source: Source, seq: int) -> Config | None:
    """The config in force after record ``seq``; None if none is known. Raises CheckpointError."""
    opened = source.reader.checkpoint(seq)
    if opened is None:
        return None
    try:
        config = msgspec.json.decode(opened.event.checkpoint, type=_Stored).fleet.config
    except UNDECODABLE as error:
        raise CheckpointError(f"the checkpoint at record {opened.seq} is not understood: {error}") from None
    later = source.last_with(b"ConfigApplied", opened.seq + 1, seq, ConfigApplied)
    return later.event.config if later is not None and isinstance(later.event, ConfigApplied) else config
