"""The rise/fall counter. Case ids are those of KgLb's conformance list, section A."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.decisions import judge, observe, presumed_healthy


def run(healthy: bool, rise: int, fall: int, results: str) -> tuple[list[int], bool]:
    streak = 0
    changes = []
    for result in results:
        before = healthy
        healthy, streak = observe(healthy, streak, result == "S", rise, fall)
        changes.append(int(before != healthy))
    return changes, healthy


@pytest.mark.parametrize(
    ("case", "healthy", "rise", "fall", "results", "changes", "after"),
    [
        ("A1", False, 3, 1, "SSS", [0, 0, 1], True),
        ("A2", True, 3, 1, "F", [1], False),
        ("A4", True, 3, 1, "SSS", [0, 0, 0], True),
        ("A5", True, 3, 1, "F", [1], False),
        ("A7", False, 1, 1, "SF" * 10, [1] * 20, False),
        ("A8", True, 3, 2, "FSFF", [0, 0, 0, 1], False),
        ("a failure starts the rise anew", False, 3, 1, "SSFSS", [0, 0, 0, 0, 0], False),
    ],
)
def test_health_follows_the_counter(
    case: str, healthy: bool, rise: int, fall: int, results: str, changes: list[int], after: bool
) -> None:
    assert run(healthy, rise, fall, results) == (changes, after), case


@given(st.booleans(), st.integers(1, 5), st.integers(1, 5), st.lists(st.booleans(), max_size=40))
def test_health_is_what_the_last_long_enough_run_said(healthy: bool, rise: int, fall: int, results: list[bool]) -> None:
    expected, length, last = healthy, 0, None
    for result in results:
        length = length + 1 if result == last else 1
        last = result
        if length >= (rise if result else fall):
            expected = result
    assert run(healthy, rise, fall, "".join("S" if r else "F" for r in results))[1] is expected


def test_changed_thresholds_decide_at_once() -> None:
    assert judge(True, -2, rise=3, fall=2) is False
    assert judge(True, -2, rise=3, fall=3) is True
    assert judge(False, 2, rise=2, fall=1) is True


def test_only_a_real_that_the_kernel_already_serves_is_presumed_healthy() -> None:
    assert presumed_healthy(1)
    assert not presumed_healthy(0)
    assert not presumed_healthy(None)
