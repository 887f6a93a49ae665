"""A real has its own times: set apart from those of others, an interval apart, whatever its answers do."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.actors.own_times import DELAY, OwnTimes


def test_the_first_probe_comes_early_and_the_others_find_their_place() -> None:
    times = OwnTimes(phase=0.5)
    found = [times.first(now=100.0, interval=2.0, turn=100.001)]
    for _ in range(10):
        found.append(times.next(found[-1]))
    assert found[0] == 100.001
    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert gaps[:4] == pytest.approx([2.0 * (1 + DELAY)] * 4)
    assert gaps[-3:] == pytest.approx([2.0] * 3)
    assert found[-1] == pytest.approx(100.0 + 0.5 * 2.0 + 10 * 2.0)


def test_a_turn_that_comes_late_delays_nobody_beyond_the_place() -> None:
    assert OwnTimes(phase=0.25).first(now=100.0, interval=2.0, turn=109.0) == 100.5


@given(st.floats(0, 0.99), st.lists(st.floats(0, 7), min_size=1, max_size=20))
def test_late_answers_skip_times_and_shift_none(phase: float, delays: list[float]) -> None:
    times = OwnTimes(phase)
    due = times.first(now=0.0, interval=1.0, turn=1000.0)
    for delay in delays:
        passed = due + delay
        due = times.next(passed)
        assert passed < due + 1e-9
        assert due <= passed + 1.0 + 1e-9
        assert round(due - phase) == pytest.approx(due - phase, abs=1e-6)
