"""Invariants about what is recorded: a fact has a cause on record, and it is a fact."""

import math
from collections import Counter
from typing import get_args

from kglb.actors.recorder import Fact
from kglb.events import (
    ActorCrashed,
    Adopted,
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    ConfigApplied,
    DaemonStarted,
    DaemonStopping,
    DriftFound,
    EntryContested,
    HealthChanged,
    MarkAssigned,
    MarkReleased,
    OperationFailed,
    OperationsApplied,
    PoolAnswered,
    ProbeFlipped,
    RealAdded,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRemoved,
    RealRestored,
    Steering,
    WarmthChanged,
    WeightOverridden,
)
from kglb.model import (
    AddAddress,
    AddDestination,
    ChangeDestination,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    RealId,
    ServiceId,
)
from sim.crash import CRASH
from sim.witness.pools import PoolRule
from sim.witness.routes import Lines
from sim.witness.slow_starts import SlowStarts
from sim.witness.testimony import Testimony
from sim.world import World

MAY_CAUSE = (
    ActorCrashed,
    Adopted,
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    ConfigApplied,
    DaemonStopping,
    DriftFound,
    EntryContested,
    HealthChanged,
    MarkAssigned,
    MarkReleased,
    OperationFailed,
    ProbeFlipped,
    RealAdded,
    RealRemoved,
    WarmthChanged,
    *get_args(Steering),
)
"""What may make a destination another: no weight changes without one of these on record. A probe is the first verdict
of its real, which others may have waited for; or there can be none."""


class Facts:
    """Sees every record as it is made."""

    def __init__(self, world: World, testimony: Testimony) -> None:
        self._world = world
        self._excuses = world.excuses
        self._testimony = testimony
        self.slow_starts = SlowStarts(world)
        self._pools = PoolRule(world, testimony)
        self.stopping = False
        self._boot = ""
        self.done: Counter[Operation] = Counter()
        self.decided: dict[tuple[ServiceId, RealId], dict[int, tuple[int, float]]] = {}
        self.given: dict[tuple[ServiceId, RealId], int] = {}
        self.taken: dict[tuple[ServiceId, RealId], float] = {}
        self._adopted = math.inf
        self._kinds: dict[int, type] = {}
        self._about: dict[int, ServiceId] = {}
        self._outcomes: dict[tuple[ServiceId, RealId], tuple[str, str]] = {}
        self._lines = Lines(world)

    def process_started(self) -> None:
        """What the process before did and did not record is forgotten."""
        self.stopping = False
        self.slow_starts.process_started()
        self.done.clear()
        self.decided.clear()
        self.given.clear()
        self.taken.clear()
        self._adopted = math.inf
        self._outcomes.clear()

    def recorded(self, fact: Fact) -> None:
        """A fact was recorded."""
        event = fact.event
        if fact.cause is not None and not 0 < fact.cause < fact.seq:
            raise self._world.violation(f"record {fact.seq} names record {fact.cause} as its cause")
        self._kinds[fact.seq] = type(event)
        self._about.pop(fact.seq, None)
        self._lines.recorded(event)
        match event:
            case HealthChanged():
                self._about[fact.seq] = event.service
                self._is_proven(event)
            case BalancerDecided():
                for real, weight in event.weights.items():
                    under_way = self.decided.setdefault((event.service, real), {})
                    under_way.setdefault(weight, (fact.seq, self._waits_since()))
                    if weight:
                        self.given[event.service, real] = fact.seq
                self.slow_starts.decided(event)
            case WarmthChanged():
                self.slow_starts.changed(event)
            case RealAdded(basis="initial") if not self._has_traffic(event.service, event.real):
                self._testimony.forget_one(event.service, event.real)
            case PoolAnswered():
                self._excuses.real_moved()
                self._pools.answered(event)
            case ProbeFlipped():
                self._flipped(event)
            case DaemonStarted():
                self._begins(event)
            case Adopted():
                self._adopted = fact.seq
                self._was_decided_before()
            case DaemonStopping():
                self.stopping = True
            case RealDrained() | RealRestored() | WeightOverridden() | RealLeaving() | RealKept():
                self._excuses.real_moved()
            case ConfigApplied() | RealRemoved():
                self._outcomes.clear()
            case ActorCrashed():
                self._crashed(event)
            case DriftFound():
                self._found(fact.seq, event)
            case OperationsApplied():
                for operation, cause in zip(event.operations, event.causes, strict=True):
                    self._was_done(fact.seq, operation)
                    self._was_taken(fact.seq, operation)
                    self._is_accounted_for(fact.seq, operation, cause)

    def none_since(self, id: ServiceId, real: RealId) -> float:
        """The record of this process that says that the kernel had no weight for a real: of what it did, or found."""
        return self.taken.get((id, real), self._adopted)

    def _has_traffic(self, id: ServiceId, real: RealId) -> bool:
        held = self._world.kernel.held(id).get(real)
        return held is not None and held.weight > 0

    def _waits_since(self) -> float:
        """When the effect of what is decided now began to wait for the write of it: it does not while the journal is
        degraded, though that may be over when the kernel gets to it.
        """
        recorder = self._world.process.recorder
        return -math.inf if recorder is not None and recorder.degraded else self._world.now

    def _was_decided_before(self) -> None:
        """What the journal of the process before wants may be under way from the start on, and is written."""
        for id, reals in self._world.process.state.data_plane.desired.destinations.items():
            for real, destination in reals.items():
                self.decided[id, real] = {destination.weight: (0, self._world.now)}

    def in_force(self, id: ServiceId, real: RealId, weight: int) -> None:
        """The kernel has a weight: what was decided before is not under way any more."""
        under_way = self.decided.get((id, real), {})
        seq, _ = under_way.get(weight, (0, 0.0))
        self.decided[id, real] = {other: when for other, when in under_way.items() if when[0] > seq}

    def _begins(self, event: DaemonStarted) -> None:
        """In another boot the kernel is empty, so no health outlives it: what was up then may be down now."""
        fleet = self._world.process.state.fleet
        if event.boot_id != self._boot and any(balancer.reals for balancer in fleet.balancers.values()):
            raise self._world.violation("what reals were in another boot is still believed")
        self._boot = event.boot_id

    def _is_proven(self, event: HealthChanged) -> None:
        """Health changes with the outcome that reaches the threshold, no sooner."""
        balancer = self._world.process.state.fleet.balancers[event.service].config
        if self._excuses.is_lenient or balancer.fwmark_checks or self._excuses.crashed_since(0.0):
            return
        said = self._testimony.of(event.service, event.real)
        if self._world.now > (said.passed if event.healthy else said.failed):
            raise self._world.violation(
                f"{event.service} {event.real}: healthy={event.healthy} after a streak of {said.streak}"
            )

    def _flipped(self, event: ProbeFlipped) -> None:
        """A run ends when the outcome differs, and only then: else the journal would drown."""
        key, found = (event.service, event.real), (event.outcome, event.reason)
        if self._outcomes.get(key) == found and not self._excuses.crashed_since(0.0):
            raise self._world.violation(f"{key}: {found} follows {found}, which is no flip")
        self._outcomes[key] = found

    def _crashed(self, event: ActorCrashed) -> None:
        """No actor crashes by itself, whatever the world does."""
        if CRASH not in event.error:
            raise self._world.violation(f"{event.actor} crashed: {event.error}\n{event.traceback}")

    def _was_done(self, seq: int, operation: Operation) -> None:
        """What is recorded as done was done: else all that is folded from it is wrong."""
        if not self.done[operation] and not isinstance(operation, AddAddress):
            raise self._world.violation(f"record {seq}: {operation} is said to be done")
        self.done[operation] -= 1

    def _was_taken(self, seq: int, operation: Operation) -> None:
        match operation:
            case ChangeDestination(id, Destination(real=real, weight=0)) | DeleteDestination(id, real):
                self.taken[id, real] = seq

    def _is_accounted_for(self, seq: int, operation: Operation, cause: int) -> None:
        """No real changes weight without a recorded cause: else nobody could explain it."""
        if cause >= seq:
            raise self._world.violation(f"record {seq}: {operation} is said to be caused by record {cause}")
        kind = self._kinds.get(cause)
        if kind is None or not isinstance(operation, AddDestination | ChangeDestination | DeleteDestination):
            return
        if not issubclass(kind, MAY_CAUSE):
            raise self._world.violation(f"record {seq}: {operation} is caused by a {kind.__name__}")
        if self._about.get(cause, operation.id) != operation.id:
            raise self._world.violation(f"record {seq}: {operation} is caused by the health of another service's real")

    def _found(self, seq: int, event: DriftFound) -> None:
        """What is recorded as missing is missing: else what serves would be taken for gone."""
        kernel = self._world.kernel
        for change in event.changes:
            match change:
                case DeleteDestination(id, real):
                    wrong = real in kernel.held(id)
                case DeleteService(id):
                    wrong = id in kernel.all_services()
                case DeleteAddress(address):
                    wrong = address in kernel.all_addresses()
                case _:
                    wrong = False
            if wrong and self._world.now - self._excuses.edited > 1.0:
                raise self._world.violation(f"record {seq}: {change} is found, but it is there")
