"""New reals take turns."""

import pytest

from kglb.actors.turns import GAP, Turns


def test_the_first_one_need_not_wait() -> None:
    assert Turns().take(100.0) == 100.0


def test_those_that_come_together_are_asked_one_after_the_other() -> None:
    turns = Turns()
    assert [turns.take(100.0) for _ in range(3)] == pytest.approx([100.0, 100.0 + GAP, 100.0 + 2 * GAP])


def test_a_turn_that_nobody_took_is_not_made_up_for() -> None:
    turns = Turns()
    turns.take(100.0)
    assert [turns.take(200.0), turns.take(200.0)] == pytest.approx([200.0, 200.0 + GAP])


def test_who_cannot_wait_so_long_takes_none() -> None:
    turns = Turns()
    assert [turns.take(100.0) for _ in range(3)] == pytest.approx([100.0, 100.0 + GAP, 100.0 + 2 * GAP])
    assert turns.take(100.0, latest=100.0 + GAP) == 100.0 + GAP
    assert turns.take(100.0, latest=101.0) == pytest.approx(100.0 + 3 * GAP)
