"""Bugs in decisions and folds."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from kglb.actors import applier, checker, reals
from kglb.decisions import Candidate, Decision, Taken, decide, may_announce, observe, pace_of, take_in
from kglb.events import (
    DaemonStarted,
    DriftFound,
    HealthChanged,
    MarkReleased,
    RealRemoved,
)
from kglb.model import AddService, ChangeDestination, ChangeService, Check, DeleteService
from kglb.projections import BalancerState, RealState, Serving, State, dataplane, fleet, marks
from kglb.projections.plan import Planned, plan
from kglb.replay.audit import reals as audited_reals
from sim.mutations.bugs import Bugs

BUGS = Bugs()


@contextmanager
def _without_step(steps: dict[type, Any], kind: type) -> Iterator[None]:
    """A projection that takes no notice of one kind of event."""
    with patch.dict(steps):
        del steps[kind]
        yield


# --- decisions --------------------------------------------------------------------------------------------------------


@BUGS.named("a real is down one failure too early")
def _falls_early() -> AbstractContextManager[Any]:
    def early(healthy: bool, streak: int, success: bool, rise: int, fall: int) -> tuple[bool, int]:
        return observe(healthy, streak, success, rise, max(1, fall - 1))

    return patch.object(checker, "observe", early)


@BUGS.named("a real is up after its first success")
def _rises_early() -> AbstractContextManager[Any]:
    def early(healthy: bool, streak: int, success: bool, rise: int, fall: int) -> tuple[bool, int]:
        return observe(healthy, streak, success, 1, fall)

    return patch.object(checker, "observe", early)


@BUGS.named("a new real is asked at its interval")
def _waits_for_intervals() -> AbstractContextManager[Any]:
    def unhurried(check: Check, *, in_doubt: bool, new: bool) -> float:
        return pace_of(check, in_doubt=in_doubt, new=False)

    return patch.object(checker, "pace_of", unhurried)


@BUGS.named("a result of the other sign does not begin a new streak")
def _streak_goes_on() -> AbstractContextManager[Any]:
    def summed(healthy: bool, streak: int, success: bool, rise: int, fall: int) -> tuple[bool, int]:
        streak += 1 if success else -1
        return (streak > -fall if healthy else streak >= rise), streak

    return patch.object(checker, "observe", summed)


@BUGS.named("unknown outcomes count as failures")
def _unknown_fails() -> AbstractContextManager[Any]:
    real = checker.Checker._count

    def count(self: checker.Checker, outcome: Any) -> None:
        real(self, replace(outcome, status="failure") if outcome.status == "unknown" else outcome)

    return patch.object(checker.Checker, "_count", count)


@BUGS.named("leaving failsafe changes only the real that came back")
def _failsafe_stays() -> AbstractContextManager[Any]:
    def forgetful(**facts: Any) -> Decision:
        whole = decide(**facts)
        return Decision(whole.mode, {real: whole.weights[real] for real in facts["touched"] if real in whole.weights})

    return patch("kglb.decisions.balancing.decide", forgetful)


@BUGS.named("fail_closed is fail_open")
def _always_open() -> AbstractContextManager[Any]:
    def open_to_all(**facts: Any) -> Decision:
        return decide(**facts | {"policy": facts["policy"]._replace(when_all_down="fail_open")})

    return patch("kglb.decisions.balancing.decide", open_to_all)


@BUGS.named("all get traffic while most are up")
def _panics() -> AbstractContextManager[Any]:
    def panicking(**facts: Any) -> Decision:
        return decide(**facts | {"policy": facts["policy"]._replace(fail_open_below=0.9)})

    return patch("kglb.decisions.balancing.decide", panicking)


@BUGS.named("a start does not wait for the first verdicts")
def _nobody_is_awaited() -> AbstractContextManager[Any]:
    def hasty(**facts: Any) -> Decision:
        return decide(**facts | {"counts": facts["counts"]._replace(awaited=0)})

    return patch("kglb.decisions.balancing.decide", hasty)


@BUGS.named("a primary that is back leaves the backups in")
def _backups_stay() -> AbstractContextManager[Any]:
    def generous(**facts: Any) -> Decision:
        whole, standings = decide(**facts), facts["standings"]
        keeping = {real: weight for real, weight in whole.weights.items() if weight or not standings[real].backup}
        return Decision(whole.mode, keeping if facts["before"].backups else whole.weights)

    return patch("kglb.decisions.balancing.decide", generous)


@BUGS.named("a service that was never up is fail_open, too")
def _proven_at_once() -> AbstractContextManager[Any]:
    def proven(**facts: Any) -> Decision:
        return decide(**facts | {"proven": True})

    return patch("kglb.decisions.balancing.decide", proven)


@BUGS.named("every new real is presumed healthy")
def _presumed() -> AbstractContextManager[Any]:
    return patch.object(reals, "presumed_healthy", lambda weight: True)


@BUGS.named("a weight that no record accounts for is taken")
def _unaccounted_is_taken() -> AbstractContextManager[Any]:
    return patch("kglb.decisions.accounting._is_presumed", lambda real: False)


@BUGS.named("a route is announced whatever its share of living reals")
def _any_share() -> AbstractContextManager[Any]:
    return _with_lines(min_alive=0.0, min_alive_to_announce=0.0)


@BUGS.named("a route comes back with the share with which it would have stayed")
def _one_line() -> AbstractContextManager[Any]:
    return _with_lines(min_alive_to_announce=0.0)


@BUGS.named("a route goes below the share with which it comes back")
def _the_higher_line_alone() -> AbstractContextManager[Any]:
    return patch("kglb.decisions.routing.may_announce", lambda candidate, announced: may_announce(candidate, ()))


def _with_lines(**lines: float) -> AbstractContextManager[Any]:
    def may(candidate: Candidate, announced: Collection[str]) -> bool:
        return may_announce(replace(candidate, **lines), announced)

    return patch("kglb.decisions.routing.may_announce", may)


# --- projections ------------------------------------------------------------------------------------------------------


@BUGS.named("a change of health is folded twice")
def _folded_twice() -> AbstractContextManager[Any]:
    real = State.fold

    def twice(self: State, seq: int, event: Any) -> None:
        real(self, seq, event)
        if isinstance(event, HealthChanged) and event.streak == 1:
            self.fleet.balancers[event.service].alive += 1

    return patch.object(State, "fold", twice)


@BUGS.named("a backup counts as a primary")
def _all_are_primaries() -> AbstractContextManager[Any]:
    real = BalancerState._count

    def count(self: BalancerState, known: RealState | None, sign: int) -> None:
        if known is not None and known.backup:
            known = replace(known, entry=replace(known.entry, backup=False))
        real(self, known, sign)

    return patch.object(BalancerState, "_count", count)


@BUGS.named("a removed real stays wanted in the kernel")
def _stays_wanted() -> AbstractContextManager[Any]:
    return _without_step(dataplane._STEPS, RealRemoved)


@BUGS.named("drift is recorded and not repaired")
def _not_repaired() -> AbstractContextManager[Any]:
    return _without_step(dataplane._STEPS, DriftFound)


@BUGS.named("health outlives a reboot")
def _health_outlives() -> AbstractContextManager[Any]:
    return _without_step(fleet._STEPS, DaemonStarted)


@BUGS.named("marks are never given back")
def _marks_kept() -> AbstractContextManager[Any]:
    return _without_step(marks._STEPS, MarkReleased)


@BUGS.named("a checkpoint has no names")
def _no_names() -> AbstractContextManager[Any]:
    real = State.checkpoint

    def nameless(self: State) -> Iterator[bytes]:
        names, self.fleet.names = self.fleet.names, {}
        try:
            return iter(list(real(self)))
        finally:
            self.fleet.names = names

    return patch.object(State, "checkpoint", nameless)


@BUGS.named("an answer may take every member away that it does not name")
@contextmanager
def _no_max_loss() -> Iterator[None]:
    def taken(known: Any, named: Any, up: Any, max_loss: float) -> Taken:
        return take_in(known, named, up, 1.0)

    with patch.object(reals, "take_in", taken), patch.object(audited_reals, "take_in", taken):  # not for verify to find
        yield


@BUGS.named("nobody waits for the weight that is to take over")
def _no_handover() -> AbstractContextManager[Any]:
    return patch.object(Serving, "staying", lambda *facts: set())


@BUGS.named("weights of 0 come first")
def _zero_first() -> AbstractContextManager[Any]:
    def planned(*facts: Any) -> list[Planned]:
        return sorted((replace(step, hands_over=False) for step in plan(*facts)), key=lambda step: not _ends(step))

    def _ends(step: Planned) -> bool:
        operation = step.operation
        return isinstance(operation, ChangeDestination) and not operation.destination.weight

    return patch.object(applier, "plan", planned)


@BUGS.named("a service whose scheduler changes is deleted and added again")
def _recreated() -> AbstractContextManager[Any]:
    def planned(*facts: Any) -> list[Planned]:
        steps: list[Planned] = []
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
