"""The vocabulary: every fact that anything depends on, as an immutable struct named in the past tense.

Fields are plain values, so a line of the journal reads without this package. Unknown fields are ignored on
decoding and new fields have defaults: a journal once written stays readable.
"""

from journal.format import JournalGap, JournalRepaired, Record, RecordsLost, SegmentOpened
from kglb.events.balancing import (
    SERVED_BY_OTHERS,
    BalancerDecided,
    Mode,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
)
from kglb.events.checking import (
    ChecksImpossible,
    ChecksResumed,
    HealthChanged,
    MarkAssigned,
    MarkReleased,
    NameResolved,
    OpenRun,
    OutcomesUnknown,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
    ResolutionFailed,
    RunsClosed,
    WatchLost,
)
from kglb.events.codec import decode, encode
from kglb.events.daemon import (
    ActorCrashed,
    ConfigApplied,
    ConfigRejected,
    DaemonStarted,
    DaemonStopping,
    MachineAnswered,
    MachineStalled,
)
from kglb.events.machine import (
    Adopted,
    DriftFound,
    Entry,
    EntryContested,
    OperationFailed,
    OperationsApplied,
    Unaccounted,
)
from kglb.events.steering import (
    DrainFinished,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRestored,
    Steering,
    WeightOverridden,
    WeightReported,
)
from kglb.events.types import Event

__all__ = [
    "SERVED_BY_OTHERS",
    "ActorCrashed",
    "Adopted",
    "BalancerDecided",
    "ChecksImpossible",
    "ChecksResumed",
    "ConfigApplied",
    "ConfigRejected",
    "DaemonStarted",
    "DaemonStopping",
    "DrainFinished",
    "DriftFound",
    "Entry",
    "EntryContested",
    "Event",
    "HealthChanged",
    "JournalGap",
    "JournalRepaired",
    "MachineAnswered",
    "MachineStalled",
    "MarkAssigned",
    "MarkReleased",
    "Mode",
    "NameResolved",
    "OpenRun",
    "OperationFailed",
    "OperationsApplied",
    "OutcomesUnknown",
    "ProbeFlipped",
    "RealAdded",
    "RealDrained",
    "RealKept",
    "RealLeaving",
    "RealRemoved",
    "RealRestored",
    "Record",
    "RecordsLost",
    "ResolutionFailed",
    "RouteAnnounced",
    "RouteWithdrawn",
    "RoutesDecided",
    "RunsClosed",
    "SegmentOpened",
    "Steering",
    "Unaccounted",
    "WatchLost",
    "WeightOverridden",
    "WeightReported",
    "decode",
    "encode",
]
