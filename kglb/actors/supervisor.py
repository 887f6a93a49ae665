"""The supervisor: starts and stops the balancers and the applier, and starts again what crashed.

Nobody starts the supervisor again: if it crashes, the daemon ends, leaves the kernel serving, and is started by the
service manager, from what is recorded.
"""

import asyncio
import logging
from typing import Any, Literal, NamedTuple

from pykka import ActorRef

from kglb.actors.applier import Applier
from kglb.actors.applier_messages import SetInterval, Settled
from kglb.actors.backoff import Backoff
from kglb.actors.balancer import BalancerActor, Reconfigure
from kglb.actors.drains import Drains
from kglb.actors.marking import release_unconfigured
from kglb.actors.parts import Parts
from kglb.actors.recorder import Fact, RecordingActor
from kglb.actors.router import Router
from kglb.actors.runtime import Crash
from kglb.actors.watchdog import Watchdog
from kglb.events import ConfigApplied, ConfigRejected, DaemonStopping, DriftFound, OutcomesUnknown
from kglb.model import Config, Operation, SecretRef, secrets_of

CLEANUP_BASE = 10.0
CLEANUP_PER_SERVICE = 0.05
"""Seconds that a cleanup may take, in all and per service, besides hold times; what is left after that is reported."""

UNKNOWN_INTERVAL = 10.0


class Stop(NamedTuple):
    """Command: stop the daemon, as the config says unless ``on_stop`` does."""

    reason: str
    on_stop: Literal["cleanup", "leave", ""] = ""


class Reload(NamedTuple):
    """Command: put this config in force, which was ``read_at`` then; ``found`` is what already stands in the machine
    where it claims to be, ``renewed`` the secrets whose value is another now. ``recorded`` is done once that is a fact.
    """

    config: Config
    digest: str
    source: str
    recorded: "asyncio.Future[Fact]"
    read_at: float = 0.0
    found: tuple[Operation, ...] = ()
    renewed: frozenset[SecretRef] = frozenset()


class Reject(NamedTuple):
    """Command: record that this config was refused; what is in force stays. ``recorded`` is as that of ``Reload``."""

    source: str
    errors: tuple[str, ...]
    recorded: "asyncio.Future[Fact]"
    read_at: float = 0.0


class StartAgain(NamedTuple):
    """Command: the wait after a crash is over; ``crash`` is its record."""

    key: object
    crash: int


class GiveUpCleanup(NamedTuple):
    """Command: the cleanup has taken too long."""


class ReportUnknown(NamedTuple):
    """Command: record how many probes said nothing since the last time."""


_SINGLE: dict[object, type[Router | Drains | Watchdog]] = {"router": Router, "drains": Drains, "watchdog": Watchdog}
"""Children of which a daemon has one, and that are started with nothing but its parts."""


class Supervisor(RecordingActor):
    """Parent of all. ``finished`` is done when everything has stopped: True if that was ordered, and the machine is as
    it should be.
    """

    def __init__(self, parts: Parts, config: Config, finished: "asyncio.Future[bool]") -> None:
        super().__init__(parts.scheduler, parts.recorder, key="supervisor")
        self._parts = parts
        self._config = config
        self._finished = finished
        self._children: dict[object, ActorRef[Any]] = {}
        self._restarts = Backoff(parts.now)
        self._stopping: Literal["cleanup", "leave"] | None = None

    def on_start(self) -> None:
        """Start the balancers, which decide at once; then router, drains and applier, which find everything decided."""
        release_unconfigured(self.recorder, self._config)
        for balancer in self._config.balancers:
            self._start(balancer.id)
        for key in ("router", "drains", "applier", "watchdog"):
            self._start(key)
        self.after(UNKNOWN_INTERVAL, ReportUnknown())

    def _start(self, key: object, crash: int | None = None) -> None:
        """Start a child, after a ``crash`` perhaps, unless it is a balancer that the config no longer has."""
        if key in _SINGLE:
            self._children[key] = _SINGLE[key].start(self._parts, parent=self.actor_ref)
        elif key == "applier":
            interval = self._config.data_plane.reconcile_interval
            self._children[key] = Applier.start(
                self._parts, reconcile_interval=interval, parent=self.actor_ref, crash=crash
            )
        elif config := next((balancer for balancer in self._config.balancers if balancer.id == key), None):
            phase = self._parts.random.random()
            self._children[key] = BalancerActor.start(self._parts, config, first_phase=phase, parent=self.actor_ref)

    def on_receive(self, message: object) -> None:
        """Commands and crashes."""
        match message:
            case Crash():
                self._restart(message)
            case StartAgain():
                self._start_again(message)
            case Reload():
                self._reload(message)
            case Reject(source, errors, recorded, read_at):
                self._record_answer(ConfigRejected(source=source, errors=errors, read_at=read_at), recorded)
            case Stop():
                self._stop_all(message)
            case Settled():
                self._finish_if_clean()
            case GiveUpCleanup():
                self._give_up_cleanup()
            case ReportUnknown():
                self._report_unknown()
            case _:
                raise TypeError(f"a supervisor is not told {message!r}")

    # --- reload -------------------------------------------------------------------------------------------------

    def _reload(self, order: Reload) -> None:
        """Put a config in force: what did not change keeps its actors, health, streaks and kernel entries untouched."""
        if self._stopping is not None:
            return
        before, self._config = self._config, order.config
        self.recorder.close_runs()
        if order.found:
            self.recorder.record(DriftFound(changes=order.found))
        forgotten = self.recorder.state.fleet.unconfigured_names(order.config)
        applied = ConfigApplied(
            digest=order.digest,
            source=order.source,
            config=order.config,
            forgotten_names=forgotten,
            read_at=order.read_at,
        )
        seq = self._record_answer(applied, order.recorded)
        release_unconfigured(self.recorder, order.config)
        known = {balancer.id: balancer for balancer in before.balancers}
        for balancer in order.config.balancers:
            was = known.pop(balancer.id, None)
            if was is None:
                self._start(balancer.id)
            elif self._lives(balancer.id):
                renew = not order.renewed.isdisjoint(secrets_of(balancer.check))
                if renew or was != balancer:
                    self._children[balancer.id].tell(Reconfigure(balancer, seq, renew))
        for id in known:
            if self._lives(id):
                self._children.pop(id).stop(block=False)
        if self._lives("applier"):
            self._children["applier"].tell(SetInterval(order.config.data_plane.reconcile_interval))

    def _record_answer(self, event: ConfigApplied | ConfigRejected, recorded: "asyncio.Future[Fact]") -> int:
        seq = self.recorder.record(event)
        if not recorded.done():
            recorded.set_result(Fact(seq, None, event))
        return seq

    def _lives(self, key: object) -> bool:
        child = self._children.get(key)
        return child is not None and child.is_alive()

    # --- restarts -----------------------------------------------------------------------------------------------

    def _restart(self, crash: Crash) -> None:
        key = crash.key
        wait = self._restarts.delay(key)
        self._children.pop(key, None)
        name = str(key) if key in _SINGLE or key == "applier" else f"balancer {key}"
        self.after(wait, StartAgain(key, self.record_crash(name, crash, wait)))

    def _start_again(self, order: StartAgain) -> None:
        """While the daemon stops, only the applier has anything left to do."""
        if order.key not in self._children and (self._stopping is None or order.key == "applier"):
            self._start(order.key, order.crash)

    def _report_unknown(self) -> None:
        if self._parts.unknowns:
            self.recorder.record(OutcomesUnknown(counts=dict(self._parts.unknowns)))
            self._parts.unknowns.clear()
        self.after(UNKNOWN_INTERVAL, ReportUnknown())

    # --- the end ------------------------------------------------------------------------------------------------

    def _stop_all(self, stop: Stop) -> None:
        if self._stopping is not None:
            return
        on_stop = stop.on_stop or self._config.data_plane.on_stop
        self._begin_to_stop(stop.reason, on_stop)
        if on_stop == "leave":
            self._finish(clean=True)
        else:
            budget = CLEANUP_BASE + CLEANUP_PER_SERVICE * len(self._config.balancers) + self._longest_hold()
            self.after(budget, GiveUpCleanup())

    def _longest_hold(self) -> float:
        """Seconds until nothing arrives by any route, if all are withdrawn now."""
        data_plane, now = self.recorder.state.data_plane, self._parts.now()
        configured = (balancer.route for balancer in self._config.balancers)
        routes = (*data_plane.actual.routes.values(), *configured)
        left = (until - now for until in data_plane.holds.values())
        return max((0.0, *(route.hold_time for route in routes if route is not None), *left))

    def _begin_to_stop(self, reason: str, on_stop: Literal["cleanup", "leave"], cause: int | None = None) -> None:
        self._stopping = on_stop
        self.recorder.close_runs()
        for key, child in self._children.items():
            if key != "applier" and child.is_alive():
                child.stop(block=False)
        self.recorder.record(DaemonStopping(reason=reason, on_stop=on_stop), cause=cause)

    def on_crash_untold(self, crash: Crash) -> None:
        """End the daemon as ``leave`` does, but not well; a cleanup that was under way ends where it is."""
        try:
            seq = self.record_crash("supervisor", crash, 0.0)
            if self._stopping is None:
                self._begin_to_stop("its supervisor crashed", "leave", seq)
            self._parts.say(
                "the supervisor crashed, which ends the daemon; see ActorCrashed above", level=logging.ERROR
            )
        except Exception:  # what made it crash may keep this from being recorded, and must not keep the daemon
            super().on_crash_untold(crash)
        finally:
            self._finish(clean=False)

    def _give_up_cleanup(self) -> None:
        self._parts.say("cleanup did not finish in time; see OperationFailed above", level=logging.ERROR)
        self._finish(clean=False)

    def _finish_if_clean(self) -> None:
        if self._stopping != "cleanup":
            return
        actual = self.recorder.state.data_plane.actual
        if not actual.services and not actual.routes and not any(ours for _, ours in actual.addresses.values()):
            self._finish(clean=True)

    def _finish(self, *, clean: bool) -> None:
        applier = self._children.pop("applier", None)
        if applier is not None and applier.is_alive():
            applier.stop(block=False)
        if not self._finished.done():
            self._finished.set_result(clean)
