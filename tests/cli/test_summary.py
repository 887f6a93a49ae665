"""How the daemon is, for a service manager."""

import pytest

from kglb.cli.summary import progresses, summary
from kglb.projections import State
from tests.web.builders import vitals, web_fleet


def test_a_daemon_that_is_well_says_how_many_reals_are_alive() -> None:
    assert summary(web_fleet(3).state, []) == "3 of 3 reals alive, 1 balancer"
    assert summary(web_fleet(3, healthy=False).state, []) == "0 of 3 reals alive, 1 balancer"
    assert summary(State(), []) == "0 of 0 reals alive, 0 balancers"


def test_one_that_is_not_says_the_first_complaint_and_how_many_more_there_are() -> None:
    state = web_fleet(1).state
    assert summary(state, ["stopping"]) == "1 of 1 reals alive, 1 balancer; stopping"
    assert summary(state, ["stopping", "b", "c"]) == "1 of 1 reals alive, 1 balancer; stopping (and 2 more)"


@pytest.mark.parametrize(
    ("machine_silent", "probes_silent", "expected"),
    [(0.0, 0.0, True), (4.9, 0.0, True), (5.1, 0.0, False), (0.0, 0.1, False)],
)
def test_there_is_progress_while_probes_end_and_the_kernel_answers(
    machine_silent: float, probes_silent: float, expected: bool
) -> None:
    assert progresses(vitals(machine_silent=machine_silent, probes_silent=probes_silent)) is expected
