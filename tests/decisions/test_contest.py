"""Who changes an entry again and again gets fewer and fewer repairs; who comes now and then, all of them at once."""

from itertools import pairwise

from kglb.decisions import Contest, contest_is_over, drifted
from kglb.decisions.contest import CALM, LONGEST, TOLERATED

INTERVAL = 1.0


def fought_over(times: int, after: float = 0.1, interval: float = INTERVAL) -> list[Contest]:
    """What one entry's drifts add up to when somebody changes it back so many seconds after each repair."""
    contests: list[Contest] = []
    now = 0.0
    for _ in range(times):
        contests.append(drifted(contests[-1] if contests else None, now, interval))
        now = contests[-1].repair + after
    return contests


def test_the_first_drifts_are_repaired_at_once_and_are_no_contest() -> None:
    contests = fought_over(TOLERATED)
    assert [contest.hold for contest in contests] == [0.0] * TOLERATED
    assert not any(contest.is_contested for contest in contests)


def test_further_repairs_are_twice_as_far_apart_each_time_up_to_a_bound() -> None:
    contests = fought_over(TOLERATED + 8)
    repairs = [contest.repair for contest in contests[TOLERATED - 1 :]]
    apart = [round(later - earlier, 6) for earlier, later in pairwise(repairs)]
    assert apart == [1.0, 2.0, 4.0, 8.0, 16.0, LONGEST, LONGEST, LONGEST]
    assert all(contest.is_contested for contest in contests[TOLERATED:])


def test_drifts_that_come_while_a_repair_waits_put_it_off_no_further() -> None:
    contests = fought_over(TOLERATED + 6)
    repair, now = contests[-1].repair, contests[-1].last
    while (now := now + 0.2) < repair:
        contests.append(drifted(contests[-1], now, INTERVAL))
        assert contests[-1].repair == repair
    assert drifted(contests[-1], repair + 0.1, INTERVAL).hold < LONGEST


def test_who_comes_more_seldom_than_that_is_reported_but_repaired_at_once() -> None:
    contests = fought_over(100, after=LONGEST + 1)
    assert {contest.hold for contest in contests} == {0.0}
    assert contests[-1].is_contested


def test_a_calm_spell_after_the_repair_ends_it() -> None:
    contest = fought_over(TOLERATED + 3)[-1]
    end = contest.repair + CALM
    assert not contest_is_over(contest, end, INTERVAL)
    assert contest_is_over(contest, end + 0.1, INTERVAL)
    assert drifted(contest, end + 0.1, INTERVAL) == Contest(1, end + 0.1, end + 0.1)


def test_who_looks_seldom_needs_a_longer_calm_spell() -> None:
    contest = drifted(None, 0.0, 600.0)
    assert not contest_is_over(contest, 3 * 600.0, 600.0)
    assert contest_is_over(contest, 3 * 600.0 + 1, 600.0)
