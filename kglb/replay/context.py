"""What a sentence about a record needs besides the record: the balancers' names then, and why probes failed.

It is read from the journal where it is needed, so that the first sentence about a big journal comes at once.
"""

import msgspec

from kglb.events import ConfigApplied, ProbeFlipped
from kglb.model import Balancer, RealId, ServiceId
from kglb.replay.errors import CheckpointError
from kglb.replay.names import Names
from kglb.replay.source import Found, Source

_CONFIG = (b'"event":{"type":"ConfigApplied"',)


class _StoredConfig(msgspec.Struct):
    balancers: tuple[Balancer, ...] = ()


class _StoredFleet(msgspec.Struct):
    config: _StoredConfig | None = None


class _Stored(msgspec.Struct):
    """The part of a checkpoint that has the names."""

    fleet: _StoredFleet = msgspec.field(default_factory=_StoredFleet)


class Context:
    """The names as of record ``seq``; ``note`` each record that follows to keep up."""

    def __init__(self, source: Source, seq: int) -> None:
        self._source = source
        self._flips: dict[tuple[ServiceId, RealId], tuple[int, ProbeFlipped]] = {}
        self.names = _names_at(source, seq)

    def note(self, record: Found) -> None:
        """Take one record in."""
        match record.event:
            case ConfigApplied(config=config):
                self.names = Names(config.balancers)
            case ProbeFlipped(service=service, real=real):
                self._flips[service, real] = (record.seq, record.event)

    def run(self, service: ServiceId, real: RealId, seq: int) -> ProbeFlipped | None:
        """The event that began the outcome run ``seq`` of a real; None if the journal no longer has it."""
        noted, flip = self._flips.get((service, real), (-1, None))
        if noted == seq:
            return flip
        record = self._source.record(seq)
        if record is None or not isinstance(record.event, ProbeFlipped):
            return None
        self._flips[service, real] = (seq, record.event)
        return record.event


def _names_at(source: Source, seq: int) -> Names:
    opened = source.reader.checkpoint(seq)
    if opened is None:
        return Names()
    try:
        config = msgspec.json.decode(opened.event.checkpoint, type=_Stored).fleet.config
    except msgspec.DecodeError as error:
        raise CheckpointError(f"the checkpoint at record {opened.seq} is not understood: {error}") from None
    names = Names() if config is None else Names(config.balancers)
    for record in source.mentioning(_CONFIG, opened.seq + 1, seq):
        if isinstance(record.event, ConfigApplied):
            names = Names(record.event.config.balancers)
    return names
