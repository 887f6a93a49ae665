"""The applier's hand for routes: it announces and withdraws one at a time, beside everything else the applier does.

Waiting for a BGP engine delays no change of the kernel. Like the applier it keeps nothing about the engine but what is
under way: ``actual`` is a projection of what is recorded. It never decides what should be announced.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from kglb.actors.backoff import Backoff
from kglb.actors.parts import Parts
from kglb.actors.recorder import RecordingActor
from kglb.dataplane.port import Failure
from kglb.events import DriftFound, OperationFailed, RouteAnnounced, RouteWithdrawn
from kglb.model import AnnounceRoute, Prefixes, Route, RouteOperation, WithdrawRoute
from kglb.projections import DataPlaneState, route_drift

LONGEST_WAIT = 3.0
"""Seconds between two attempts to reach an engine that refuses: it may just have started again."""


class HoldOver(NamedTuple):
    """Told to the applier: nothing arrives by this withdrawn route any more."""

    prefix: str


class RetryRoutes(NamedTuple):
    """Told to the applier: the wait after a refusal is over, or the engine went away; read back and try again."""


class Announcer:
    """One per applier, whose tasks and timers it uses. ``missing`` are the addresses that the kernel refuses to serve
    now: no route is announced that leads there. ``done`` is called when nothing is left to do for now, with whether
    anything was tried.
    """

    def __init__(
        self, owner: RecordingActor, parts: Parts, missing: Callable[[], Iterable[str]], done: Callable[[bool], None]
    ) -> None:
        self._owner = owner
        self._recorder = parts.recorder
        self._parts = parts
        self._missing = missing
        self._done = done
        self._causes: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._holds: dict[str, Callable[[], None]] = {}
        for prefix, until in self._state.holds.items():
            self._hold(prefix, until)
        self._failures: dict[str, Failure] = {}
        self._retries = Backoff(parts.now, longest=LONGEST_WAIT)
        self._retrying = False
        self._read_back = False
        self._busy = False
        self._announcing = ""

    @property
    def _state(self) -> DataPlaneState:
        return self._recorder.state.data_plane

    @property
    def held(self) -> Iterable[str]:
        """The prefixes by which packets may arrive though they are neither wanted nor known to be announced.

        Those of the withdrawn routes whose hold time is not over, and that of an announcement that is under way.
        """
        under_way = self._announcing
        if under_way and under_way not in self._state.desired.routes:
            return (*self._holds, under_way)
        return self._holds

    @property
    def settled(self) -> bool:
        """Whether nothing is under way, and no refusal matters any more."""
        return not self._busy and all(self._operation(prefix) is None for prefix in self._refused)

    def begin(self, causes: dict[str, int]) -> None:
        """Bring these routes in step, soon, and those that waited for the kernel.

        Each comes with the seq of the record that makes it necessary.
        """
        self._causes.update(self._waiting)
        self._causes.update(causes)
        self._waiting.clear()
        self._work_if_idle()

    def hold_over(self, prefix: str) -> None:
        """The hold time of a route is over."""
        self._holds.pop(prefix, None)

    def retry(self) -> None:
        """Read back what the engine announces, and try again what is not in step."""
        self._retrying = False
        self._causes.update(self._refused)
        self._refused.clear()
        self.read_back()

    def read_back(self) -> None:
        """Compare the engine with what is known of it, soon."""
        self._read_back = True
        self._work_if_idle()

    def _work_if_idle(self) -> None:
        if not self._busy and (self._causes or self._read_back):
            self._busy = True
            self._owner.spawn(self._work())

    async def _work(self) -> None:
        performed = False
        while self._causes or self._read_back:
            if self._read_back:
                self._read_back = False
                await self._compare()
                continue
            prefix = next(iter(self._causes))
            cause = self._causes.pop(prefix)
            await self._recorder.written(self._recorder.last_seq)  # before, since another thing may be wanted then
            operation = self._operation(prefix)
            if operation is None:
                continue
            if isinstance(operation, AnnounceRoute) and self._leads_nowhere(operation.route):
                self._waiting[prefix] = cause
            else:
                await self._perform(operation, cause)
                performed = True
        self._busy = False
        self._done(performed)

    def _operation(self, prefix: str) -> RouteOperation | None:
        """What brings a route in step now, whatever it was when that was planned."""
        wanted, held = self._state.desired.routes.get(prefix), self._state.actual.routes.get(prefix)
        if wanted == held:
            return None
        if wanted is not None:
            return AnnounceRoute(wanted)
        assert held is not None
        return WithdrawRoute(held)

    def _leads_nowhere(self, route: Route) -> bool:
        within = Prefixes((route.prefix,))
        return any(within.covering(address) for address in self._missing())

    async def _perform(self, operation: RouteOperation, cause: int) -> None:
        route = operation.route
        self._announcing = route.prefix if isinstance(operation, AnnounceRoute) else ""
        failure = await self._parts.routes.perform(operation)
        self._announcing = ""
        if failure is not None:
            self._try_again(operation, failure, cause)
            return
        self._failures.pop(route.prefix, None)
        if isinstance(operation, AnnounceRoute):
            self._recorder.record(RouteAnnounced(route=route), cause=cause)
        else:
            until = round(self._parts.now() + route.hold_time, 6)
            self._recorder.record(RouteWithdrawn(route=route, until=until), cause=cause)
            self._hold(route.prefix, until)
        if self._operation(route.prefix) is not None:  # another thing is wanted by now
            self._causes.setdefault(route.prefix, self._recorder.last_seq)

    def _hold(self, prefix: str, until: float) -> None:
        self._holds.pop(prefix, lambda: None)()
        left = until - self._parts.now()
        if left > 0:
            self._holds[prefix] = self._owner.after(left, HoldOver(prefix))
        else:
            self._owner.actor_ref.tell(HoldOver(prefix))

    def _try_again(self, operation: RouteOperation, failure: Failure, cause: int) -> None:
        """Record a refusal unless it is the last one again, and try again later."""
        prefix = operation.route.prefix
        if self._failures.get(prefix) != failure:
            self._failures[prefix] = failure
            failed = OperationFailed(operation=operation, errno=failure.errno, error=failure.error)
            self._recorder.record(failed, cause=cause)
        self._refused[prefix] = cause
        if not self._retrying:
            self._retrying = True
            self._owner.after(self._retries.delay("engine"), RetryRoutes())

    async def _compare(self) -> None:
        try:
            found = await self._parts.routes.announced()
        except OSError as error:
            self._parts.say("routes cannot be read", error=str(error))
            return
        drift = route_drift(self._state.actual, found)
        if drift:
            self._recorder.record(DriftFound(changes=drift))
