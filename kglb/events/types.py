"""One struct per kind of fact, grouped by what it is about. Latencies are in seconds.

What caused an event stands in its record (``cause``). Where several facts lead to one, the event itself says more.
"""

from typing import Literal

import msgspec

from journal.format import JournalGap, JournalRepaired, RecordsLost, SegmentOpened
from kglb.events.base import EventBase
from kglb.events.steering import (
    DrainFinished,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRestored,
    WeightOverridden,
    WeightReported,
)
from kglb.model import Address, Config, Destination, Operation, Real, RealId, Route, Service, ServiceId, Way

Mode = Literal["initial", "available", "failsafe", "unavailable", "no_upstreams", "shutdown"]
"""What a balancer does with its reals; the states and their transitions stand in ``kglb.decisions.balancing``."""

Verdict = Literal["success", "failure"]


# --- daemon -----------------------------------------------------------------------------------------------------


class DaemonStarted(EventBase, frozen=True, kw_only=True):
    """The daemon runs. In another boot than the last, nothing of the kernel's state and no health has survived."""

    software: str
    decisions: int
    host: str
    boot_id: str
    pid: int


class DaemonStopping(EventBase, frozen=True, kw_only=True):
    """The daemon stops: it cleans up what it owns in the kernel, or leaves it serving."""

    reason: str
    on_stop: Literal["cleanup", "leave"]


class ActorCrashed(EventBase, frozen=True, kw_only=True):
    """An actor raised. It changes no weight; its supervisor starts it again after ``retry_in`` seconds."""

    actor: str
    error: str
    traceback: str
    retry_in: float


class MachineStalled(EventBase, frozen=True, kw_only=True):
    """A call to the kernel has not returned for so many seconds. Nothing else waits for it but changes of the kernel:
    the latest state is what it gets when it answers.
    """

    seconds: float


class MachineAnswered(EventBase, frozen=True, kw_only=True):
    """The call that had stalled has returned, after so many seconds in all."""

    seconds: float


# --- config -----------------------------------------------------------------------------------------------------


class ConfigApplied(EventBase, frozen=True, kw_only=True):
    """This configuration is in force. It holds references to secrets, never their values."""

    digest: str
    source: str
    config: Config


class ConfigRejected(EventBase, frozen=True, kw_only=True):
    """This configuration was refused; the one before stays in force."""

    source: str
    errors: tuple[str, ...]


# --- reals ------------------------------------------------------------------------------------------------------


class RealAdded(EventBase, frozen=True, kw_only=True):
    """A real server joined a service: its address now, and its entry in the config (whose ``host`` may be a name).

    ``healthy`` is what is believed of it until probes say otherwise, and ``basis`` why: it was unknown
    (``initial``), or the kernel already sent traffic to it when we came (``adopted``).
    """

    service: ServiceId
    real: RealId
    entry: Real
    healthy: bool
    basis: Literal["initial", "adopted"]


class RealRemoved(EventBase, frozen=True, kw_only=True):
    """A real server left a service: the config or its name no longer has it."""

    service: ServiceId
    real: RealId
    host: str


class NameResolved(EventBase, frozen=True, kw_only=True):
    """A real's name has this address now; recorded when the answer differs from the last."""

    service: ServiceId
    host: str
    address: str


class ResolutionFailed(EventBase, frozen=True, kw_only=True):
    """A real's name did not resolve; its last good address, if any, stays in use."""

    service: ServiceId
    host: str
    error: str
    keeping: str = ""


# --- health -----------------------------------------------------------------------------------------------------


class ProbeFlipped(EventBase, frozen=True, kw_only=True):
    """A probe's (outcome, reason) differs from that of the probe before: a new outcome run begins with it.

    ``previous_count`` is how many probes the run that ended had since it began or was last closed. Together with
    ``RunsClosed`` this is a run-length encoding of every probe ever made.
    """

    service: ServiceId
    real: RealId
    outcome: Verdict
    reason: str
    detail: str = ""
    latency: float
    previous_count: int


class OpenRun(msgspec.Struct, frozen=True, array_like=True):
    """An outcome run that goes on: how many probes it has had since it began or was last closed."""

    service: ServiceId
    real: RealId
    count: int


class RunsClosed(EventBase, frozen=True, kw_only=True):
    """The lengths of all open runs so far, before a checkpoint, a reload or the end; the runs themselves go on."""

    runs: tuple[OpenRun, ...]


class HealthChanged(EventBase, frozen=True, kw_only=True):
    """A real is believed healthy, or not, from now on: ``streak`` equal verdicts in a row reached the threshold.

    ``run`` is the seq of the ``ProbeFlipped`` that began the current run.
    """

    service: ServiceId
    real: RealId
    healthy: bool
    streak: int
    run: int


class WatchLost(EventBase, frozen=True, kw_only=True):
    """The idle connection held to a real ended ``after`` so many seconds, and how: a reason to probe, no verdict.

    It is recorded with what that probe found, so that its way to the disk does not delay that of a verdict.
    How often this can be recorded of one real is bounded by how eagerly it is watched (``kglb.checks.idle``).
    """

    service: ServiceId
    real: RealId
    how: str
    after: float


class OutcomesUnknown(EventBase, frozen=True, kw_only=True):
    """Probes that said nothing about their reals because the fault was ours, by reason, since the last such event."""

    counts: dict[str, int]


# --- checks through the VIP -------------------------------------------------------------------------------------


class MarkAssigned(EventBase, frozen=True, kw_only=True):
    """A real's checks carry this mark, which leads this way and nowhere else. Reals at one address share theirs."""

    service: ServiceId
    real: RealId
    mark: int
    way: Way


class MarkReleased(EventBase, frozen=True, kw_only=True):
    """A real needs its mark no more; with its last real a mark is free."""

    service: ServiceId
    real: RealId
    mark: int
    way: Way


class ChecksImpossible(EventBase, frozen=True, kw_only=True):
    """This machine cannot check these reals, for a ``problem`` of its own; their health stays as it is.

    Recorded when the problem begins or becomes another, with what helps.
    """

    service: ServiceId
    reals: tuple[RealId, ...]
    problem: str
    remedy: str


class ChecksResumed(EventBase, frozen=True, kw_only=True):
    """Nothing on this machine keeps these reals from being checked any more."""

    service: ServiceId
    reals: tuple[RealId, ...]


# --- balancing --------------------------------------------------------------------------------------------------


class BalancerDecided(EventBase, frozen=True, kw_only=True):
    """A balancer's mode, its counts and the weights that *changed*, with the seq that caused each.

    ``seen`` is the last record the balancer had taken into account.
    """

    service: ServiceId
    balancer: str
    mode: Mode
    alive: int
    total: int
    weights: dict[RealId, int]
    causes: dict[RealId, int] = msgspec.field(default_factory=dict)
    seen: int


# --- routes -----------------------------------------------------------------------------------------------------


class RoutesDecided(EventBase, frozen=True, kw_only=True):
    """Which routes are to be announced now that were not (or otherwise), and which are not any more, by prefix."""

    announce: tuple[Route, ...] = ()
    withdraw: tuple[str, ...] = ()


class RouteAnnounced(EventBase, frozen=True, kw_only=True):
    """The BGP engine has acknowledged the route: its peers are told."""

    route: Route


class RouteWithdrawn(EventBase, frozen=True, kw_only=True):
    """The BGP engine has acknowledged that the route is gone; packets may still arrive for its hold time."""

    route: Route


# --- kernel -----------------------------------------------------------------------------------------------------


class Entry(msgspec.Struct, frozen=True):
    """A whole service as found in the kernel."""

    service: Service
    destinations: tuple[Destination, ...]


class Adopted(EventBase, frozen=True, kw_only=True):
    """What the machine held of ours when the daemon started, whole; ``foreign`` services were counted and left alone.

    ``addresses`` are those of ours that were there, ``foreign_addresses`` those we want but somebody else put there:
    they are never deleted. ``routes`` are those that the BGP engine announced for us.
    """

    entries: tuple[Entry, ...]
    addresses: tuple[Address, ...]
    foreign_addresses: tuple[Address, ...] = ()
    foreign: int
    routes: tuple[Route, ...] = ()


class OperationsApplied(EventBase, frozen=True, kw_only=True):
    """The machine did these operations, in this order, in so many microseconds; ``causes`` has a seq for each."""

    operations: tuple[Operation, ...]
    causes: tuple[int, ...]
    microseconds: int


class OperationFailed(EventBase, frozen=True, kw_only=True):
    """The machine, or the BGP engine, refused an operation; what is still wanted after reading back is tried again."""

    operation: Operation
    errno: int
    error: str


class DriftFound(EventBase, frozen=True, kw_only=True):
    """Somebody else changed what is ours: the operations that lead from what we knew to what was found."""

    changes: tuple[Operation, ...]


class EntryContested(EventBase, frozen=True, kw_only=True):
    """Somebody else changes one entry of ours again and again, ``drifts`` times by now: whoever does, we are not the
    only ones who want it their way. Its repair waits for ``hold`` seconds, if the last was but now; what we decide
    ourselves does not.
    """

    operation: Operation
    drifts: int
    hold: float


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
