"""The applier: the only one that touches the machine. It plans for what changed, waits for the write, applies, records.

It keeps no state of its own about the kernel: ``actual`` is a projection of what it recorded. What arrives while it is
busy is planned together afterwards. At times, and where somebody else has seen a reason to, it compares the kernel with
``actual`` and records ``DriftFound``.
"""

import errno
from collections.abc import Sequence
from typing import Any, get_args

from pykka import ActorRef

from kglb.actors.announcer import Announcer, HoldOver, RetryRoutes
from kglb.actors.answers import sort_out
from kglb.actors.applier_messages import AddressLost, Doubted, Reconcile, Retry, SetInterval, Settled
from kglb.actors.contests import Repair
from kglb.actors.looks import LookNow, Looks
from kglb.actors.parts import Parts
from kglb.actors.reconciler import Reconciler
from kglb.actors.recorder import Fact, RecordingActor
from kglb.actors.refusals import Refusals
from kglb.actors.runtime import Alarm
from kglb.actors.steps import for_the_kernel, routes, takes_away, touched
from kglb.dataplane.port import Failure
from kglb.events import (
    Adopted,
    BalancerDecided,
    ConfigApplied,
    DaemonStopping,
    DriftFound,
    HealthChanged,
    OperationsApplied,
    RealAdded,
    RealRemoved,
    RoutesDecided,
    Steering,
)
from kglb.model import AnnounceRoute, Operation, ServiceId, WithdrawRoute
from kglb.projections import DataPlaneState, Dirty, Planned, Serving, plan

BATCH = 500
"""Operations given to the machine at once: bounds the size of a record and how long the newest news waits."""

NEWS_PAUSE = 0.2
"""Seconds between news of a lost address and a look: addresses that go together are looked for once."""

DOUBT_PAUSE = 2.0
"""Seconds between a doubt about services and a look at them: however many ask for metrics, no more looks than that."""


class Applier(RecordingActor):
    """Keeps the machine in step. After a ``crash``, the record of the last one's, nobody knows what was done: it
    compares everything first.
    """

    def __init__(
        self, parts: Parts, *, reconcile_interval: float, parent: ActorRef[Any], crash: int | None = None
    ) -> None:
        super().__init__(parts.scheduler, parts.recorder, key="applier", parent=parent)
        self._parts = parts
        self._interval = reconcile_interval
        self._crash = crash
        self._busy = False
        self._reconcile_due = Alarm(self, Reconcile())
        self._writes = 0
        self._waiting: list[Planned] = []
        self._handing_over = Dirty()
        self._planned_at = 0
        self._reconciler = Reconciler(self, parts, lambda: self._writes, reconcile_interval)
        self._refusals = Refusals(self, parts, self._reconciler)
        self._looks_at_addresses = Looks(self, NEWS_PAUSE, self._compare_addresses)
        self._looks_at_doubted = Looks(self, DOUBT_PAUSE, self._compare_doubted)
        self._doubted: set[ServiceId] = set()
        self._announcer = Announcer(self, parts, missing=self._refusals.missing, done=self._routes_done)

    @property
    def _data_plane(self) -> DataPlaneState:
        return self.recorder.state.data_plane

    def on_start(self) -> None:
        """Listen to whatever changes the desired state, and begin."""
        kinds = (Adopted, ConfigApplied, DaemonStopping, DriftFound, RealAdded, RealRemoved, HealthChanged)
        self.recorder.subscribe(self.actor_ref, *kinds, BalancerDecided, RoutesDecided, *get_args(Steering))
        self._parts.routes.on_loss(lambda: self.actor_ref.tell(RetryRoutes()))
        self._parts.on_address_loss(lambda: self.actor_ref.tell(AddressLost()))
        self._parts.on_doubt(lambda service: self.actor_ref.tell(Doubted(service)))
        if self._crash is not None:
            self._data_plane.mark_everything(self._crash)
            self._reconciler.expect_addresses(self._crash)
            self._busy = True
            self.spawn(self._begin_again())
        else:
            self._reconcile_later()
            self._work_if_idle()

    def let_go(self) -> None:
        """Listen no more."""
        super().let_go()
        self._parts.routes.on_loss(lambda: None)
        self._parts.on_address_loss(lambda: None)
        self._parts.on_doubt(lambda _: None)

    def on_receive(self, message: object) -> None:
        """Facts wake the applier; their effect stands in the projection already."""
        match message:
            case Fact():
                pass
            case Reconcile():
                self.spawn(self._reconcile())
            case Retry():
                self.spawn(self._retry(message))
            case AddressLost():
                self._looks_at_addresses.soon()
            case Doubted(service):
                self._doubted.add(service)
                self._looks_at_doubted.soon()
            case LookNow(looks):
                looks.begin()
            case Repair(drift, cause):
                self._data_plane.mark_drift(drift, cause)
            case SetInterval(seconds):
                self._set_interval(seconds)
            case HoldOver(prefix):
                self._announcer.hold_over(prefix)
                self._plan_again(self._data_plane.dirty)
            case RetryRoutes():
                self._announcer.retry()
            case _:
                raise TypeError(f"an applier is not told {message!r}")

    def on_drained(self) -> None:
        """Begin to work unless at it already."""
        self._work_if_idle()

    def _work_if_idle(self) -> None:
        if not self._busy:
            self._busy = True
            self.spawn(self._work())

    async def _begin_again(self) -> None:
        await self._reconcile()
        await self._work()

    # --- applying -----------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while dirty := self._data_plane.take_dirty():
            if dirty.routes:
                self._plan_again(dirty)
            planned = self._plan(dirty)
            self._announcer.begin(routes(planned, WithdrawRoute))
            kernel = for_the_kernel(planned)
            while kernel:
                await self.recorder.written(self._planned_at)
                if batch := self._still_wanted(kernel[:BATCH]):
                    await self._apply(batch)
                kernel = self._brought_up_to_date(kernel[BATCH:])
            self._announcer.begin(routes(planned, AnnounceRoute))
        self._busy = False
        waits = self._refusals or self._waiting or self._handing_over
        if not waits and self._announcer.settled and self._parent is not None:
            self._parent.tell(Settled())

    def _plan(self, dirty: Dirty) -> list[Planned]:
        """Plan, and with it anew what waits for a destination to take over."""
        state = self.recorder.state
        actual, desired = state.data_plane.actual, state.data_plane.desired
        dirty.add(self._handing_over)
        serving = Serving(is_banned=state.fleet.is_banned, unsure=self._reconciler.unsure)
        planned = plan(actual, desired, dirty, serving, self._announcer.held)
        self._planned_at = self.recorder.last_seq  # a decision is newer than the cause it names
        self._handing_over = touched(step for step in planned if step.hands_over)
        self._waiting += [step for step in planned if step.waits_for]
        return planned

    def _still_wanted(self, steps: list[Planned]) -> list[Planned]:
        """Steps whose causes are written by now, without those that take away what by now is to stay.

        What is to be done instead is planned next, and waits for the write of its own cause.
        """
        taking = [step for step in steps if takes_away(step.operation)]
        if not (taking and self._data_plane.dirty):
            return steps
        waited = {step.operation for step in taking}
        wanted = for_the_kernel(self._plan(touched(taking)))
        self._data_plane.dirty.add(touched(step for step in wanted if step.operation not in waited))
        dropped = waited - {step.operation for step in wanted}
        return [step for step in steps if step.operation not in dropped]

    def _brought_up_to_date(self, steps: list[Planned]) -> list[Planned]:
        """What is left of a plan, as it is wanted by now; without destinations of a service that was refused."""
        newer = self._data_plane.dirty
        if not (steps and (newer or self._refusals)):
            return steps
        left = touched(steps)
        left.learn_causes(newer)
        return for_the_kernel(self._plan(left))

    def _routes_done(self, tried: bool) -> None:
        if tried:
            self._plan_again(self._data_plane.dirty)
        self._work_if_idle()

    def _plan_again(self, dirty: Dirty) -> None:
        """Have planned again what waits for a route, which may be gone or wanted again."""
        for step in self._waiting:
            dirty.mark_operation(step.operation, step.cause)
        self._waiting.clear()

    async def _apply(self, planned: Sequence[Planned]) -> None:
        operations = tuple(step.operation for step in planned)
        self._writes += 1
        try:
            results, microseconds = await self._parts.worker.call(_timed, self._parts, operations)
        except OSError as error:
            results = [Failure(errno.ENOBUFS, str(error))] * len(operations)
            microseconds = 0
        for step, failure in zip(planned, results, strict=True):
            self._reconciler.note_answer(step.operation, failure, step.cause)
        answers = sort_out(planned, results)
        if answers.done:
            applied = OperationsApplied(
                operations=tuple(step.operation for step in answers.done),
                causes=tuple(step.cause for step in answers.done),
                microseconds=microseconds,
            )
            self.recorder.record(applied, cause=max(applied.causes))
            self._parts.confirmed = self._parts.now()
            self._parts.reactions.end(applied.causes, self._parts.confirmed)
            self._data_plane.dirty.add(self._handing_over)
        if answers.gone:
            self._reconciler.contests.record(tuple(answers.gone))
        self._refusals.record(answers.refused)

    async def _retry(self, retry: Retry) -> None:
        if await self._refusals.try_again(retry):
            self._work_if_idle()

    # --- comparing ----------------------------------------------------------------------------------------------

    async def _reconcile(self) -> None:
        await self._reconciler.compare_all()
        self._announcer.read_back()
        self._reconcile_later()

    def _reconcile_later(self) -> None:
        self._reconcile_due.set(self._interval)

    def _set_interval(self, seconds: float) -> None:
        if seconds != self._interval:
            self._interval = self._reconciler.contests.interval = seconds
            self._reconcile_later()

    async def _compare_addresses(self) -> None:
        try:
            await self._reconciler.compare_addresses()
        except OSError as error:
            self._parts.say("addresses cannot be read", error=str(error))

    async def _compare_doubted(self) -> None:
        doubted, self._doubted = sorted(self._doubted), set()
        try:
            for id in doubted:
                if id in self._data_plane.actual.services:
                    await self._reconciler.compare(id)
        except OSError as error:
            self._parts.say("a service cannot be read", error=str(error))


def _timed(parts: Parts, operations: tuple[Operation, ...]) -> tuple[list[Failure | None], int]:
    start = parts.now()
    results = parts.machine.apply(operations)
    return results, round((parts.now() - start) * 1e6)
