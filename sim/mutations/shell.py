"""Bugs in recorder, actors and journal."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace
from pykka import ActorRef

from journal import Appender, OpenJournal
from journal.committer import Committer
from kglb.actors import adoption, applier, checkers, daemon, reals, refusals, router, runtime, slow_starts, supervisor
from kglb.actors.adoption import read_owned
from kglb.actors.applier_messages import Retry
from kglb.actors.reconciler import Reconciler
from kglb.actors.recorder import Recorder
from kglb.events import (
    Adopted,
)
from kglb.projections import entry_drift
from sim.mutations.bugs import Bugs

BUGS = Bugs()


# --- recorder and actors ----------------------------------------------------------------------------------------------


@BUGS.named("effects do not wait for the write of what caused them")
def _no_wait() -> AbstractContextManager[Any]:
    async def at_once(self: Recorder, seq: int) -> None:
        return None

    return patch.object(Recorder, "written", at_once)


@BUGS.named("a real stays at the first step of its slow start")
def _never_warm() -> AbstractContextManager[Any]:
    return patch.object(slow_starts.SlowStarts, "note", lambda self, due: None)


@BUGS.named("a stopped balancer is still told facts")
def _still_told() -> AbstractContextManager[Any]:
    return patch.object(Recorder, "unsubscribe", lambda self, subscriber: None)


@BUGS.named("the run of a checker that is gone stays open")
def _runs_stay() -> AbstractContextManager[Any]:
    return patch.object(Recorder, "forget_run", lambda self, service, real, run: None)


@BUGS.named("what the kernel refused is not tried again")
def _no_retry() -> AbstractContextManager[Any]:
    async def nothing(self: refusals.Refusals, retry: Retry) -> None:
        return None

    return patch.object(refusals.Refusals, "_read_back", nothing)


@BUGS.named("what the kernel refused is recorded as done")
def _refused_is_done() -> AbstractContextManager[Any]:
    real = applier._timed

    def all_well(*arguments: Any) -> tuple[list[None], int]:
        results, microseconds = real(*arguments)
        return [None] * len(results), microseconds

    return patch.object(applier, "_timed", all_well)


@BUGS.named("the kernel is never compared")
def _no_reconcile() -> AbstractContextManager[Any]:
    async def nothing(self: Reconciler) -> None:
        return None

    return patch.object(Reconciler, "compare_all", nothing)


@BUGS.named("one dump is believed")
def _one_dump() -> AbstractContextManager[Any]:

    class Equal(tuple):  # type: ignore[type-arg]
        """Differs from nothing that was seen before."""

        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = tuple.__hash__

    return patch("kglb.actors.reconciler.entry_drift", lambda *facts: Equal(entry_drift(*facts)))


@BUGS.named("a start adopts everything that is in the kernel")
def _adopts_all() -> AbstractContextManager[Any]:

    def everything(machine: Any, config: Any, known: Any, *facts: Any) -> Adopted:
        wider = replace(known, services={**known.services, **{one.id: one for one in machine.services()}})
        return read_owned(machine, config, wider, *facts)

    return patch.object(daemon, "read_owned", everything)


@BUGS.named("no address is known by its mark")
def _no_marks() -> AbstractContextManager[Any]:
    return patch.object(adoption, "_marked", lambda machine, candidates: None)


@BUGS.named("a crashed checker is not started again")
def _checker_stays_dead() -> AbstractContextManager[Any]:
    return patch.object(checkers.Checkers, "restart", lambda self, crash: None)


@BUGS.named("a crashed balancer is not started again")
def _balancer_stays_dead() -> AbstractContextManager[Any]:
    return patch.object(supervisor.Supervisor, "_restart", lambda self, crash: None)


@BUGS.named("a real whose name cannot be asked for is removed")
def _name_lost() -> AbstractContextManager[Any]:
    real = reals.Reals._resolution_failed

    def remove(self: reals.Reals, entry: Any, error: str) -> None:
        real(self, entry, error)
        for known in list(self.known.values()):
            if known.entry.host == entry.host:
                self._remove(known)

    return patch.object(reals.Reals, "_resolution_failed", remove)


@BUGS.named("a reload does not tell the balancers")
def _reload_untold() -> AbstractContextManager[Any]:
    return patch.object(supervisor.Supervisor, "_lives", lambda self, key: False)


@BUGS.named("the timers of an actor outlive it")
def _timers_outlive() -> AbstractContextManager[Any]:
    return patch.object(runtime.LoopActor, "_release", lambda self: None)


@BUGS.named("who stops an actor waits for its end")
def _waits() -> AbstractContextManager[Any]:
    real = ActorRef.stop

    def stop(self: ActorRef[Any], block: bool = True, timeout: float | None = None) -> Any:
        return real(self, block=True, timeout=timeout)

    return patch.object(ActorRef, "stop", stop)


@BUGS.named("the router decides only once")
def _router_sleeps() -> AbstractContextManager[Any]:
    return patch.object(router.Router, "on_receive", lambda self, message: None)


# --- the journal ------------------------------------------------------------------------------------------------------


@BUGS.named("lines that are committed together are written in another order")
def _reordered() -> AbstractContextManager[Any]:
    real = Committer._take_lines
    return patch.object(Committer, "_take_lines", lambda self: list(reversed(real(self))))


@BUGS.named("a torn line stays, and the next is written behind it")
def _torn_stays() -> AbstractContextManager[Any]:
    return patch.object(OpenJournal, "_truncate", lambda self, path, size: None)


@BUGS.named("what the disk refused is not declared missing")
def _undeclared() -> AbstractContextManager[Any]:
    return patch.object(Appender, "_declare_missing", lambda self, missing, opening: None)


@BUGS.named("a record counts as written before it is")
def _written_early() -> AbstractContextManager[Any]:
    return patch.object(Appender, "written_seq", property(lambda self: self.last_seq))


@BUGS.named("a record counts as synced when it is written")
def _synced_early() -> AbstractContextManager[Any]:
    return patch.object(Appender, "synced_seq", property(lambda self: self.written_seq))


@BUGS.named("a checkpoint is taken after the segment has begun")
def _late_checkpoint() -> AbstractContextManager[Any]:
    def afresh(self: Appender, missing_from: int) -> None:
        self._dropped_from = None
        self._open_segment((part for checkpoint in (self._checkpoint,) for part in checkpoint()), missing_from)
        self._update_state()

    return patch.object(Appender, "_start_afresh", afresh)
