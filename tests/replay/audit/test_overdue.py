"""A decision is missing if the daemon went on without it, not if it stood still."""

from kglb.replay.audit.overdue import PATIENCE, Overdue


def test_what_came_is_not_missed() -> None:
    overdue: Overdue[str] = Overdue()
    overdue.expect("web", 0.0)
    overdue.met("web")
    assert overdue.missed(10 * PATIENCE) is None


def test_one_long_pause_misses_nothing() -> None:
    overdue: Overdue[str] = Overdue()
    overdue.expect("web", 0.0)
    assert overdue.missed(1000.0) is None
    assert overdue.missed(1000.0 + PATIENCE) is None


def test_what_still_has_not_come_after_a_second_wait_is_missed() -> None:
    overdue: Overdue[str] = Overdue()
    overdue.expect("web", 0.0)
    assert overdue.missed(PATIENCE + 1) is None
    assert overdue.missed(2 * PATIENCE + 2) == "web"
    assert overdue.missed(9 * PATIENCE) is None


def test_who_cannot_decide_yet_is_waited_for() -> None:
    overdue: Overdue[str] = Overdue()
    overdue.expect("web", 0.0)
    overdue.postpone("web", 30.0)
    assert overdue.missed(30.0 + PATIENCE) is None
    assert overdue.missed(31.0 + PATIENCE) is None
    assert overdue.missed(32.0 + 2 * PATIENCE) == "web"
