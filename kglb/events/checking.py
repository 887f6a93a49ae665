"""Reals, what their checks found, and what is believed of them. Latencies are in seconds."""

from typing import Literal

import msgspec

from kglb.events.base import EventBase
from kglb.model import Member, Real, RealId, ServiceId, Way

Verdict = Literal["success", "failure"]


# --- reals ------------------------------------------------------------------------------------------------------------


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
    """A real server left a service: the config, its name or its pool no longer has it."""

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


class PoolAnswered(EventBase, frozen=True, kw_only=True):
    """The source of a pool says who its members are; recorded when that is news, or the last answer was a failure.

    ``members`` are those that joined or weigh otherwise, ``left`` those that it names no more. ``lacking`` stay though
    it does not name them: they are too many (``max_loss``).
    """

    service: ServiceId
    pool: str
    members: tuple[Member, ...] = ()
    left: tuple[RealId, ...] = ()
    lacking: tuple[RealId, ...] = ()


class PoolFailed(EventBase, frozen=True, kw_only=True):
    """The source of a pool gave no answer, or none that can be used; the ``keeping`` members that it has stay.

    Recorded when the error is another than the last. ``last_good`` is when this daemon last had a good answer, in
    seconds since the epoch; None if it never had one.
    """

    service: ServiceId
    pool: str
    error: str
    keeping: int = 0
    last_good: float | None = None


# --- health -----------------------------------------------------------------------------------------------------------


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


# --- checks through the VIP -------------------------------------------------------------------------------------------


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


CheckingEvent = (
    RealAdded
    | RealRemoved
    | NameResolved
    | ResolutionFailed
    | PoolAnswered
    | PoolFailed
    | ProbeFlipped
    | RunsClosed
    | HealthChanged
    | WatchLost
    | OutcomesUnknown
    | MarkAssigned
    | MarkReleased
    | ChecksImpossible
    | ChecksResumed
)
