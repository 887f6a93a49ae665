"""The events for which a person is woken by default: who gets traffic has changed, or the daemon cannot do its work.

Not among them: what leads to these (probes, weights), what a person ordered, and what was done to the kernel. A
decision is among them if it puts its balancer into another mode.
"""

import msgspec

from journal import UNDECODABLE
from kglb.events import (
    ActorCrashed,
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    ConfigRejected,
    DaemonStarted,
    DaemonStopping,
    DriftFound,
    EntryContested,
    Event,
    HealthChanged,
    JournalGap,
    JournalRepaired,
    MachineAnswered,
    MachineStalled,
    Mode,
    OperationFailed,
    RecordsLost,
    RouteAnnounced,
    RouteWithdrawn,
)
from kglb.model import ServiceId
from kglb.replay.errors import CheckpointError
from kglb.replay.source import Source

WAKING = (
    HealthChanged,
    RouteAnnounced,
    RouteWithdrawn,
    ConfigRejected,
    ChecksImpossible,
    ChecksResumed,
    OperationFailed,
    DriftFound,
    EntryContested,
    MachineStalled,
    MachineAnswered,
    ActorCrashed,
    DaemonStarted,
    DaemonStopping,
    JournalGap,
    JournalRepaired,
    RecordsLost,
)
"""The events that always are."""

Modes = dict[ServiceId, Mode]


class Waking:
    """Sorts the events of one journal, which all have to pass by in their order; ``modes`` are those before."""

    def __init__(self, modes: Modes) -> None:
        self._modes = modes

    def wakes(self, event: Event) -> bool:
        """Whether a person is to hear of an event."""
        if isinstance(event, BalancerDecided):
            before = self._modes.get(event.service, "initial")
            self._modes[event.service] = event.mode
            return event.mode != before
        return isinstance(event, WAKING)


class _StoredBalancer(msgspec.Struct):
    mode: Mode = "initial"


class _StoredFleet(msgspec.Struct):
    balancers: dict[ServiceId, _StoredBalancer] = {}


class _Stored(msgspec.Struct):
    """The part of a checkpoint that has the modes."""

    fleet: _StoredFleet = msgspec.field(default_factory=_StoredFleet)


def modes_after(source: Source, seq: int) -> Modes:
    """The mode of each balancer after record ``seq``: of its last decision, or of the checkpoint before.

    Where the journal begins behind that record it is of the checkpoint that it begins with. Raises CheckpointError.
    """
    opened = source.reader.checkpoint(seq) or source.reader.checkpoint(seq + 1)
    if opened is None:
        return {}
    try:
        stored = msgspec.json.decode(opened.event.checkpoint, type=_Stored)
    except UNDECODABLE as error:
        raise CheckpointError(f"the checkpoint at record {opened.seq} is not understood: {error}") from None
    decided: Modes = {}
    for record in source.search_back(b'"BalancerDecided"', opened.seq + 1, seq, BalancerDecided):
        if isinstance(record.event, BalancerDecided):
            decided.setdefault(record.event.service, record.event.mode)
    return {service: balancer.mode for service, balancer in stored.fleet.balancers.items()} | decided
