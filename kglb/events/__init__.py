"""The vocabulary: every fact that anything depends on, as an immutable struct named in the past tense.

Fields are plain values, so a line of the journal reads without this package. Unknown fields are ignored on
decoding and new fields have defaults: a journal once written stays readable.
"""

from journal.format import JournalGap, JournalRepaired, Record, SegmentOpened
from kglb.events.codec import decode, encode
from kglb.events.types import (
    ActorCrashed,
    Adopted,
    BalancerDecided,
    ConfigApplied,
    ConfigRejected,
    DaemonStarted,
    DaemonStopping,
    DriftFound,
    Entry,
    Event,
    HealthChanged,
    Mode,
    NameResolved,
    OpenRun,
    OperationFailed,
    OperationsApplied,
    OutcomesUnknown,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
    ResolutionFailed,
    RouteAnnounced,
    RoutesDecided,
    RouteWithdrawn,
    RunsClosed,
)

__all__ = [
    "ActorCrashed",
    "Adopted",
    "BalancerDecided",
    "ConfigApplied",
    "ConfigRejected",
    "DaemonStarted",
    "DaemonStopping",
    "DriftFound",
    "Entry",
    "Event",
    "HealthChanged",
    "JournalGap",
    "JournalRepaired",
    "Mode",
    "NameResolved",
    "OpenRun",
    "OperationFailed",
    "OperationsApplied",
    "OutcomesUnknown",
    "ProbeFlipped",
    "RealAdded",
    "RealRemoved",
    "Record",
    "ResolutionFailed",
    "RouteAnnounced",
    "RouteWithdrawn",
    "RoutesDecided",
    "RunsClosed",
    "SegmentOpened",
    "decode",
    "encode",
]
