"""The balancer: one per virtual service. It knows its reals, has them checked, and decides mode and weights.

It drains its inbox first and then decides once, so that ten thousand reals that fail together make a handful of
decisions. It never touches the machine.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, get_args

from pykka import ActorRef

from kglb.actors.checker import Obstructed
from kglb.actors.checkers import Checkers, StartChecker
from kglb.actors.parts import Parts
from kglb.actors.paths import SEEK_INTERVAL, SEEK_PAUSE, Paths
from kglb.actors.pools import AskSource, Pools
from kglb.actors.reals import Reals
from kglb.actors.recorder import Fact, RecordingActor
from kglb.actors.runtime import Alarm, Crash
from kglb.actors.slow_starts import SlowStarts, StepDue
from kglb.decisions import decide_for, is_name, is_news, verdicts_of
from kglb.events import (
    BalancerDecided,
    ChecksImpossible,
    ChecksResumed,
    DrainFinished,
    Event,
    HealthChanged,
    ProbeFlipped,
    Steering,
)
from kglb.model import Balancer, Member, Pool, RealId
from kglb.projections import BalancerState

_Touching = HealthChanged | Steering
"""What makes a balancer look at a real's weight again."""

_Verdict = ProbeFlipped | ChecksImpossible | ChecksResumed
"""What may be the first verdict of a real, or say that there is none: of interest only to those who await it."""


class Reconfigure(NamedTuple):
    """Command: this is the config now, as record ``cause`` says."""

    config: Balancer
    cause: int
    renew: bool = False  # the check has new secrets


class ResolveNames(NamedTuple):
    """Command: it is time to ask for the addresses of the names again."""


class Asked(NamedTuple):
    """Told to itself: names, or the source of a pool, were asked; to decide, once what came meanwhile is noted."""


class SeekPaths(NamedTuple):
    """Command: it is time to look for the paths of checks through the VIP again."""


class BalancerActor(RecordingActor):
    """Balances one virtual service. ``first_phase`` sets its probes apart from other balancers'."""

    def __init__(self, parts: Parts, config: Balancer, *, first_phase: float, parent: ActorRef[Any]) -> None:
        super().__init__(parts.scheduler, parts.recorder, key=config.id, parent=parent)
        self._parts = parts
        self._config = config
        self._touched: dict[RealId, int] = {}
        self._paths = Paths(parts, config.id)
        self._checkers = Checkers(self, parts, config, self._paths, phase=first_phase)
        self._reals = Reals(parts, config.id, changed=self._note, gone=self._checkers.forget)
        self._names_due = Alarm(self, ResolveNames())
        self._paths_due = Alarm(self, SeekPaths())
        self._seeking = False
        self._hears_verdicts = False
        self._slow_starts = SlowStarts(parts.recorder, self.after)
        self._pools = Pools(self, parts, config.id)

    @property
    def _state(self) -> BalancerState:
        return self.recorder.state.fleet.balancers[self._config.id]

    # --- life ---------------------------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Bring the reals in step with the config, start their checkers, decide once."""
        self.recorder.subscribe(self.actor_ref, *get_args(_Touching), service=self._config.id)
        config_seq = self.recorder.state.fleet.config_seq
        self._hear_verdicts()
        self._reals.bring_in_step(self._config)
        self._bring_marks_in_step(config_seq)
        for real in self._state.reals:
            self._checkers.start(real)
        self._touched = {
            real: config_seq if state.health_seq < state.weight_seq else state.health_seq
            for real, state in self._state.reals.items()
        }
        self._slow_starts.resume(self._state)
        self._decide(always=True)
        self._ask_soon()

    def _hear_verdicts(self) -> None:
        if self._state.awaits and not self._hears_verdicts:
            self._hears_verdicts = True
            self.recorder.subscribe(self.actor_ref, *get_args(_Verdict), service=self._config.id)

    def on_stop(self) -> None:
        """Let go, for good: nobody asks the sources of its pools any more."""
        super().on_stop()
        self._pools.forget()

    def let_go(self) -> None:
        """Stop the checkers: a balancer that follows starts them again from what is recorded."""
        super().let_go()
        self.recorder.close_runs(self._config.id)
        self._checkers.stop()

    def on_receive(self, message: object) -> None:
        """Note what happened to which real; decide when all is noted."""
        match message:
            case Fact(seq, _, event):
                self._take_note(seq, event)
            case Crash():
                self._checkers.restart(message)
            case StartChecker(real):
                self._checkers.start(real)
            case ResolveNames():
                self.spawn(self._resolve_names())
            case AskSource(pool):
                self.spawn(self._ask_source(pool))
            case Asked():
                pass
            case StepDue():
                self._slow_starts.note(message)
            case SeekPaths():
                self.spawn(self._seek_paths())
            case Obstructed():
                if not self._paths.are_fresh:
                    self._paths_due.set(0.0)
            case Reconfigure():
                self._reconfigure(message)
            case _:
                raise TypeError(f"a balancer is not told {message!r}")

    def _take_note(self, seq: int, event: Event) -> None:
        if isinstance(event, _Touching):
            self._touched[event.real] = seq
            if isinstance(event, DrainFinished):
                self._reals.settle(event.real)
        else:
            for real in verdicts_of(event):
                self._touched.setdefault(real, seq)

    def on_drained(self) -> None:
        """Decide once for everything that came."""
        if self._touched or self._slow_starts.are_due:
            self._decide()

    def _reconfigure(self, order: Reconfigure) -> None:
        """Touch what changed: reals that came, went or weigh otherwise, and the checkers if the check is another."""
        config, cause = order.config, order.cause
        before, self._config = self._config, config
        self._hear_verdicts()
        self._reals.bring_in_step(config, cause)
        self._bring_marks_in_step(cause)
        self._checkers.reconfigure(config, cause, renew=order.renew)
        for real in self._state.reals:
            self._touched.setdefault(real, cause)
            self._checkers.start(real)
        if config.slow_start != before.slow_start:
            self._slow_starts.resume(self._state)
        self._decide(always=True)
        self._ask_soon()

    # --- reals --------------------------------------------------------------------------------------------------

    async def _resolve_names(self) -> None:
        config = self._config
        for entry in filter(is_name, config.reals):
            looked = await self._reals.look_up(entry, config)
            if not self._is_in_force(config):
                return  # reconfigured meanwhile: who asks next knows which names there are
            if (moved := self._reals.take_in(entry, looked, config)) is not None:
                self._checkers.start(moved.real)
                self._bring_marks_in_step(moved.seq)
        self.actor_ref.tell(Asked())
        self._names_due.set(config.resolve_interval)

    async def _ask_source(self, id: str) -> None:
        config = self._config
        if (pool := next((pool for pool in config.pools if pool.id == id), None)) is None:
            return  # reconfigured meanwhile
        try:
            answer, error = await self._pools.ask(config, pool), ""
        except OSError as failure:
            answer, error = None, str(failure)
        if not self._is_in_force(config):
            return  # reconfigured meanwhile: who asks next knows which pools there are
        if answer is None:
            self._reals.source_failed(pool, error, self._pools.last_answer(pool))
        elif not answer.old or self._reals.waits_for_an_answer(pool):
            self._take_in(pool, answer.members)
        self._pools.wait(config, pool)

    def _take_in(self, pool: Pool, named: Sequence[Member]) -> None:
        joined = self._reals.take_in_answer(pool, named, self._config)
        if joined is None:
            return
        for real in joined.reals:
            self._checkers.start(real)
        self._bring_marks_in_step(joined.seq)
        self.actor_ref.tell(Asked())

    def _is_in_force(self, config: Balancer) -> bool:
        """Whether this is still the config, also by the newest record: what it leads to is on its way here."""
        known = self.recorder.state.fleet.balancers.get(config.id)
        return config is self._config and known is not None and (known.config is config or known.config == config)

    def _ask_soon(self) -> None:
        self._pools.configure(self._config)
        if any(map(is_name, self._config.reals)):
            self._names_due.set(0.0)

    def _note(self, real: RealId, seq: int) -> None:
        self._touched[real] = seq

    # --- checks through the VIP ---------------------------------------------------------------------------------

    def _bring_marks_in_step(self, cause: int) -> None:
        self._paths.bring_marks_in_step(self._config, cause, self._touched)
        if self._config.fwmark_checks:
            self._paths_due.set(0.0)
        else:
            self._paths_due.cancel()

    async def _seek_paths(self) -> None:
        if self._seeking:  # a machine that hangs is not asked again and again
            self._paths_due.set(SEEK_PAUSE)
            return
        self._paths_due.set(SEEK_INTERVAL)
        self._seeking = True
        try:
            changed = await self._paths.seek(self._config)
        except OSError as error:
            self._parts.say("looking for the paths of checks failed", service=self._config.id, error=str(error))
            return
        finally:
            self._seeking = False
        self._checkers.follow_paths(changed)

    # --- decision -----------------------------------------------------------------------------------------------

    def _decide(self, *, always: bool = False) -> None:
        touched, self._touched = self._touched, {}
        self._slow_starts.step(self._state, touched)
        if not touched and not always:
            return
        state = self._state
        decision = decide_for(state, touched)
        if not is_news(state, decision):
            return
        trigger = max(touched.values(), default=self.recorder.last_seq)
        decided = BalancerDecided(
            service=self._config.id,
            balancer=self._config.name,
            mode=decision.mode,
            alive=state.alive,
            total=state.total,
            weights=decision.weights,
            causes={real: touched.get(real, trigger) for real in decision.weights},
            seen=self.recorder.last_seq,
        )
        self.recorder.record(decided, cause=trigger)
