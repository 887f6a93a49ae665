"""All events as one type. What caused one stands in its record; where several facts lead to one, it says more."""

from journal.format import JournalGap, JournalRepaired, RecordsLost, SegmentOpened
from kglb.events.balancing import BalancerDecided, RouteAnnounced, RoutesDecided, RouteWithdrawn
from kglb.events.checking import (
    ChecksImpossible,
    ChecksResumed,
    HealthChanged,
    MarkAssigned,
    MarkReleased,
    NameResolved,
    OutcomesUnknown,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
    ResolutionFailed,
    RunsClosed,
    WatchLost,
)
from kglb.events.daemon import (
    ActorCrashed,
    ConfigApplied,
    ConfigRejected,
    DaemonStarted,
    DaemonStopping,
    MachineAnswered,
    MachineStalled,
)
from kglb.events.machine import Adopted, DriftFound, EntryContested, OperationFailed, OperationsApplied
from kglb.events.steering import (
    DrainFinished,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRestored,
    WeightOverridden,
    WeightReported,
)

Event = (
    SegmentOpened
    | JournalRepaired
    | JournalGap
    | RecordsLost
    | DaemonStarted
    | DaemonStopping
    | ActorCrashed
    | MachineStalled
    | MachineAnswered
    | ConfigApplied
    | ConfigRejected
    | RealAdded
    | RealRemoved
    | RealLeaving
    | RealKept
    | NameResolved
    | ResolutionFailed
    | ProbeFlipped
    | RunsClosed
    | HealthChanged
    | WatchLost
    | OutcomesUnknown
    | WeightReported
    | RealDrained
    | WeightOverridden
    | RealRestored
    | DrainFinished
    | MarkAssigned
    | MarkReleased
    | ChecksImpossible
    | ChecksResumed
    | BalancerDecided
    | RoutesDecided
    | RouteAnnounced
    | RouteWithdrawn
    | Adopted
    | OperationsApplied
    | OperationFailed
    | DriftFound
    | EntryContested
)
