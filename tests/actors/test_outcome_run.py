"""An outcome run: what goes on, what begins another."""

from typing import Literal

from kglb.actors.outcome_run import OutcomeRun
from kglb.projections import RealState
from tests.projections.builders import real, real_id


def known(outcome: Literal["success", "failure"], reason: str) -> RealState:
    return RealState(
        real=real_id(0),
        entry=real(0),
        healthy=True,
        health_seq=3,
        outcome=outcome,
        reason=reason,
        run_seq=7,
        counted=40,
    )


def test_a_checker_takes_up_what_is_known_of_the_run() -> None:
    run = OutcomeRun(known("failure", "refused"))
    assert run.goes_on("failure", "refused")
    assert not run.goes_on("failure", "timeout during connect"), "another reason is another run"
    assert (run.seq, run.count) == (7, 40)
    run.begin("success", "ok", 9)
    assert run.goes_on("success", "ok")
    assert (run.seq, run.count) == (9, 0)


def test_another_question_has_no_run_yet() -> None:
    run = OutcomeRun(known("success", "ok"))
    run.forget()
    assert not run.goes_on("success", "ok")
    assert (run.outcome, run.seq, run.count) == ("", 0, 0)
