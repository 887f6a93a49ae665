"""The checkers of one balancer's reals: started once it is known how to check, told of another check, started again
after a crash, stopped with their reals.

They are children of the balancer, which says which reals there are. What they find they record themselves.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from pykka import ActorRef

from kglb.actors.backoff import Backoff
from kglb.actors.checker import Checker, Recheck
from kglb.actors.parts import Parts
from kglb.actors.paths import Paths
from kglb.actors.recorder import RecordingActor
from kglb.actors.runtime import Crash
from kglb.checks.gate import Gate
from kglb.checks.probe import Probe
from kglb.model import Balancer, RealId
from kglb.projections import RealState

_GOLDEN = (math.sqrt(5) - 1) / 2
"""Multiples of it, taken modulo one, spread the probes of any number of reals evenly over the interval."""


class StartChecker(NamedTuple):
    """Told to the balancer: the wait after a crash is over."""

    real: RealId


class Checkers:
    """Those of one balancer, their ``parent``. ``phase`` sets their probes apart from those of other balancers."""

    def __init__(self, parent: RecordingActor, parts: Parts, config: Balancer, paths: Paths, *, phase: float) -> None:
        self._parent = parent
        self._parts = parts
        self._config = config
        self._paths = paths
        self._phase = phase
        self._gate = _gate_of(config)
        self._running: dict[RealId, ActorRef[Checker]] = {}
        self._restarts = Backoff(parts.now)

    @property
    def _reals(self) -> dict[RealId, RealState]:
        return self._parts.recorder.state.fleet.balancers[self._config.id].reals

    def start(self, real: RealId) -> None:
        """Have a real checked, unless it is, or is none any more. One without its path starts once that is known."""
        path = self._paths.known.get(real)
        if real in self._running or real not in self._reals or (self._config.fwmark_checks and path is None):
            return
        self._phase = (self._phase + _GOLDEN) % 1.0
        self._running[real] = Checker.start(
            self._parts,
            service=self._config.id,
            known=self._reals[real],
            check=self._config.check,
            gate=self._gate,
            phase=self._phase,
            parent=self._parent.actor_ref,
            path=path,
        )

    def reconfigure(self, config: Balancer, cause: int, *, renew: bool) -> None:
        """Check by this config from now on, as record ``cause`` says; who checks so already is not disturbed, unless
        to ``renew`` what the check has of secrets.
        """
        before, self._config = self._config, config
        if renew or _asked(config) != _asked(before):
            self._gate = _gate_of(config)
            for real in self._running:
                self._recheck(real, cause)

    def follow_paths(self, changed: Iterable[RealId]) -> None:
        """Check by the paths that are known now, ``changed`` ones or new; nobody whose path is known no more."""
        if not self._config.fwmark_checks:
            return  # a reload has ended them while they were sought: no check needs a path
        if lost := [real for real in self._running if real not in self._paths.known]:
            self._parts.recorder.close_runs(self._config.id)
            for real in lost:
                self._stop(real)
        for real in changed:
            if real in self._running:
                self._recheck(real, self._parts.recorder.state.fleet.config_seq)
            else:
                self.start(real)

    def _recheck(self, real: RealId, cause: int) -> None:
        checker = self._running[real]
        if checker.is_alive():  # else its crash is on its way here, and the next one checks so from its start
            checker.tell(Recheck(self._config.check, self._gate, cause, self._paths.known.get(real)))

    def restart(self, crash: Crash) -> None:
        """Record that a checker has crashed, and start another after a while."""
        real = RealId(str(crash.key))
        self._running.pop(real, None)
        wait = self._restarts.delay(real)
        self._parent.record_crash(f"checker {self._config.id} {real}", crash, wait)
        self._parent.after(wait, StartChecker(real))

    def forget(self, real: RealId) -> None:
        """The real is about to be removed."""
        self._stop(real)
        self._restarts.forget(real)
        self._forget_counts(real)

    def stop(self) -> None:
        """Stop all. Whoever balances next starts them again from what is recorded."""
        for real in list(self._running):
            self._stop(real)
        for crashed in self._restarts.failed:
            self._forget_counts(RealId(str(crashed)))

    def _stop(self, real: RealId) -> None:
        checker = self._running.pop(real, None)
        if checker is not None and checker.is_alive():
            checker.stop(block=False)

    def _forget_counts(self, real: RealId) -> None:
        """A checker that crashed has left them to the one that follows, and none does."""
        self._parts.checked.pop((self._config.id, real), None)


def _asked(config: Balancer) -> tuple[object, ...]:
    return config.check, config.concurrency, config.fwmark_checks


def _gate_of(config: Balancer) -> Gate[Probe] | None:
    return Gate(config.concurrency) if config.concurrency else None
