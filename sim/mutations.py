"""Bugs on purpose: a simulator that finds nothing may be one that cannot. Each bug must be found from its seed.

A bug is a small change of one decision, fold, actor or part of the journal, in force while a simulation runs.
``SEEDS`` are seeds known to find each; ``python -m sim --mutations`` looks for them anew.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from journal import Appender, OpenJournal
from journal.committer import Committer
from kglb.actors import applier, balancer, checker, daemon, reals, router, runtime, supervisor
from kglb.actors.adoption import read_owned
from kglb.actors.recorder import Recorder
from kglb.decisions import Decision, decide, may_announce, observe
from kglb.events import (
    Adopted,
    DaemonStarted,
    DriftFound,
    HealthChanged,
    MarkReleased,
    RealRemoved,
)
from kglb.model import AddService, ChangeService, DeleteService
from kglb.projections import State, dataplane, entry_drift, fleet, marks
from kglb.projections.plan import Planned, plan
from sim.report import Result, run
from sim.world import Plan

Bug = Callable[[], AbstractContextManager[Any]]

FOUND_WITHIN = 200
"""Seeds within which each bug is to be found."""

MUTATIONS: dict[str, Bug] = {}


def bug(name: str) -> Callable[[Bug], Bug]:
    """Register a bug under a sentence that says what is wrong."""

    def register(function: Bug) -> Bug:
        MUTATIONS[name] = function
        return function

    return register


def hunt(name: str, seeds: range) -> Result | None:
    """The first simulation that finds the bug; None if none of the seeds does."""
    with MUTATIONS[name]():
        for seed in seeds:
            result = run(Plan(seed))
            if result.wrong:
                return result
    return None


def hunt_all(names: Sequence[str], seeds: range, jobs: int) -> Iterator[tuple[str, Result | None]]:
    """Hunt for each of these bugs, on so many processes."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from zip(names, pool.map(partial(hunt, seeds=seeds), names), strict=True)


@contextmanager
def _without_step(steps: dict[type, Any], kind: type) -> Iterator[None]:
    """A projection that takes no notice of one kind of event."""
    with patch.dict(steps):
        del steps[kind]
        yield


# --- decisions --------------------------------------------------------------------------------------------------------


@bug("a real is down one failure too early")
def _falls_early() -> AbstractContextManager[Any]:
    def early(healthy: bool, streak: int, success: bool, rise: int, fall: int) -> tuple[bool, int]:
        return observe(healthy, streak, success, rise, max(1, fall - 1))

    return patch.object(checker, "observe", early)


@bug("a real is up after its first success")
def _rises_early() -> AbstractContextManager[Any]:
    def early(healthy: bool, streak: int, success: bool, rise: int, fall: int) -> tuple[bool, int]:
        return observe(healthy, streak, success, 1, fall)

    return patch.object(checker, "observe", early)


@bug("a result of the other sign does not begin a new streak")
def _streak_goes_on() -> AbstractContextManager[Any]:
    def summed(healthy: bool, streak: int, success: bool, rise: int, fall: int) -> tuple[bool, int]:
        streak += 1 if success else -1
        return (streak > -fall if healthy else streak >= rise), streak

    return patch.object(checker, "observe", summed)


@bug("unknown outcomes count as failures")
def _unknown_fails() -> AbstractContextManager[Any]:
    real = checker.Checker._count

    def count(self: checker.Checker, outcome: Any) -> None:
        real(self, replace(outcome, status="failure") if outcome.status == "unknown" else outcome)

    return patch.object(checker.Checker, "_count", count)


@bug("leaving failsafe changes only the real that came back")
def _failsafe_stays() -> AbstractContextManager[Any]:
    def forgetful(**facts: Any) -> Decision:
        whole = decide(**facts)
        return Decision(whole.mode, {real: whole.weights[real] for real in facts["touched"] if real in whole.weights})

    return patch.object(balancer, "decide", forgetful)


@bug("fail_closed is fail_open")
def _always_open() -> AbstractContextManager[Any]:
    def open_to_all(**facts: Any) -> Decision:
        return decide(**facts | {"when_all_down": "fail_open"})

    return patch.object(balancer, "decide", open_to_all)


@bug("a service that was never up is fail_open, too")
def _proven_at_once() -> AbstractContextManager[Any]:
    def proven(**facts: Any) -> Decision:
        return decide(**facts | {"proven": True})

    return patch.object(balancer, "decide", proven)


@bug("every new real is presumed healthy")
def _presumed() -> AbstractContextManager[Any]:
    return patch.object(reals, "presumed_healthy", lambda weight: True)


@bug("a route is announced whatever its share of living reals")
def _any_share() -> AbstractContextManager[Any]:
    return patch(
        "kglb.decisions.routing.may_announce", lambda candidate: may_announce(replace(candidate, min_alive=0.0))
    )


# --- projections ------------------------------------------------------------------------------------------------------


@bug("a change of health is folded twice")
def _folded_twice() -> AbstractContextManager[Any]:
    real = State.fold

    def twice(self: State, seq: int, event: Any) -> None:
        real(self, seq, event)
        if isinstance(event, HealthChanged) and event.streak == 1:
            self.fleet.balancers[event.service].alive += 1

    return patch.object(State, "fold", twice)


@bug("a removed real stays wanted in the kernel")
def _stays_wanted() -> AbstractContextManager[Any]:
    return _without_step(dataplane._STEPS, RealRemoved)


@bug("drift is recorded and not repaired")
def _not_repaired() -> AbstractContextManager[Any]:
    return _without_step(dataplane._STEPS, DriftFound)


@bug("health outlives a reboot")
def _health_outlives() -> AbstractContextManager[Any]:
    return _without_step(fleet._STEPS, DaemonStarted)


@bug("marks are never given back")
def _marks_kept() -> AbstractContextManager[Any]:
    return _without_step(marks._STEPS, MarkReleased)


@bug("a checkpoint has no names")
def _no_names() -> AbstractContextManager[Any]:
    real = State.checkpoint

    def nameless(self: State) -> Iterator[bytes]:
        names, self.fleet.names = self.fleet.names, {}
        try:
            return iter(list(real(self)))
        finally:
            self.fleet.names = names

    return patch.object(State, "checkpoint", nameless)


@bug("a service whose scheduler changes is deleted and added again")
def _recreated() -> AbstractContextManager[Any]:
    def planned(*facts: Any) -> list[Planned]:
        steps = []
        for step in plan(*facts):
            if isinstance(step.operation, ChangeService):
                service = step.operation.service
                steps += [
                    replace(step, operation=DeleteService(service.id)),
                    replace(step, operation=AddService(service)),
                ]
            else:
                steps.append(step)
        return steps

    return patch.object(applier, "plan", planned)


# --- recorder and actors ----------------------------------------------------------------------------------------------


@bug("effects do not wait for the write of what caused them")
def _no_wait() -> AbstractContextManager[Any]:
    async def at_once(self: Recorder, seq: int) -> None:
        return None

    return patch.object(Recorder, "written", at_once)


@bug("a stopped balancer is still told facts")
def _still_told() -> AbstractContextManager[Any]:
    return patch.object(Recorder, "unsubscribe", lambda self, subscriber: None)


@bug("the run of a checker that is gone stays open")
def _runs_stay() -> AbstractContextManager[Any]:
    return patch.object(Recorder, "forget_run", lambda self, service, real, run: None)


@bug("what the kernel refused is not tried again")
def _no_retry() -> AbstractContextManager[Any]:
    async def nothing(self: applier.Applier, retry: applier.Retry) -> None:
        return None

    return patch.object(applier.Applier, "_read_back", nothing)


@bug("what the kernel refused is recorded as done")
def _refused_is_done() -> AbstractContextManager[Any]:
    real = applier._timed

    def all_well(*arguments: Any) -> tuple[list[None], int]:
        results, microseconds = real(*arguments)
        return [None] * len(results), microseconds

    return patch.object(applier, "_timed", all_well)


@bug("the kernel is never compared")
def _no_reconcile() -> AbstractContextManager[Any]:
    return patch.object(applier.Applier, "_reconcile_later", lambda self: None)


@bug("one dump is believed")
def _one_dump() -> AbstractContextManager[Any]:

    class Equal(tuple):  # type: ignore[type-arg]
        """Differs from nothing that was seen before."""

        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = tuple.__hash__

    return patch.object(applier, "entry_drift", lambda *facts: Equal(entry_drift(*facts)))


@bug("a start adopts everything that is in the kernel")
def _adopts_all() -> AbstractContextManager[Any]:

    def everything(machine: Any, config: Any, known: Any, desired: Any) -> Adopted:
        wider = replace(known, services={**known.services, **{one.id: one for one in machine.services()}})
        return read_owned(machine, config, wider, desired)

    return patch.object(daemon, "read_owned", everything)


@bug("a crashed checker is not started again")
def _checker_stays_dead() -> AbstractContextManager[Any]:
    return patch.object(balancer.BalancerActor, "_restart", lambda self, crash: None)


@bug("a crashed balancer is not started again")
def _balancer_stays_dead() -> AbstractContextManager[Any]:
    return patch.object(supervisor.Supervisor, "_restart", lambda self, crash: None)


@bug("a real whose name cannot be asked for is removed")
def _name_lost() -> AbstractContextManager[Any]:
    real = reals.Reals._resolution_failed

    def remove(self: reals.Reals, entry: Any, error: str) -> None:
        real(self, entry, error)
        for known in list(self.known.values()):
            if known.entry.host == entry.host:
                self._remove(known)

    return patch.object(reals.Reals, "_resolution_failed", remove)


@bug("a reload does not tell the balancers")
def _reload_untold() -> AbstractContextManager[Any]:
    return patch.object(supervisor.Supervisor, "_lives", lambda self, key: False)


@bug("the timers of an actor outlive it")
def _timers_outlive() -> AbstractContextManager[Any]:
    return patch.object(runtime.LoopActor, "_release", lambda self: None)


@bug("the router decides only once")
def _router_sleeps() -> AbstractContextManager[Any]:
    return patch.object(router.Router, "on_receive", lambda self, message: None)


# --- the journal ------------------------------------------------------------------------------------------------------


@bug("lines that are committed together are written in another order")
def _reordered() -> AbstractContextManager[Any]:
    real = Committer._take_lines
    return patch.object(Committer, "_take_lines", lambda self: list(reversed(real(self))))


@bug("a torn line stays, and the next is written behind it")
def _torn_stays() -> AbstractContextManager[Any]:
    return patch.object(OpenJournal, "_truncate", lambda self, path, size: None)


@bug("what the disk refused is not declared missing")
def _undeclared() -> AbstractContextManager[Any]:
    return patch.object(Appender, "_declare_missing", lambda self, missing, opening: None)


@bug("a record counts as written before it is")
def _written_early() -> AbstractContextManager[Any]:
    return patch.object(Appender, "written_seq", property(lambda self: self.last_seq))


@bug("a record counts as synced when it is written")
def _synced_early() -> AbstractContextManager[Any]:
    return patch.object(Appender, "synced_seq", property(lambda self: self.written_seq))


@bug("a checkpoint is taken after the segment has begun")
def _late_checkpoint() -> AbstractContextManager[Any]:
    def afresh(self: Appender, missing_from: int) -> None:
        self._dropped_from = None
        self._open_segment((part for checkpoint in (self._checkpoint,) for part in checkpoint()), missing_from)
        self._update_state()

    return patch.object(Appender, "_start_afresh", afresh)
