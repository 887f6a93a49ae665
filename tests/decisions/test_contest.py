"""Who changes an entry again and again is not fought, but waited for, longer each time."""

from kglb.decisions import Contest, contest_is_over, drifted
from kglb.decisions.contest import CALM, LONGEST, TOLERATED

INTERVAL = 1.0


def fought_over(times: int, every: float = 1.0) -> list[Contest]:
    """What one entry's drifts add up to when it is changed back as soon as its repair is made."""
    contests: list[Contest] = []
    now = 0.0
    for _ in range(times):
        contests.append(drifted(contests[-1] if contests else None, now, INTERVAL))
        now += contests[-1].hold + every
    return contests


def test_the_first_drifts_are_repaired_at_once() -> None:
    assert [contest.hold for contest in fought_over(TOLERATED)] == [0.0] * TOLERATED


def test_every_further_one_waits_twice_as_long_up_to_a_bound() -> None:
    holds = [contest.hold for contest in fought_over(TOLERATED + 12)][TOLERATED:]
    assert holds == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, LONGEST, LONGEST, LONGEST]


def test_a_fight_of_a_day_costs_few_repairs() -> None:
    contests = fought_over(400, every=0.0)
    assert sum(contest.last < 86_400 for contest in contests) < 86_400 / LONGEST + 20


def test_a_calm_spell_after_the_repair_ends_it() -> None:
    contest = fought_over(TOLERATED + 3)[-1]
    end = contest.last + contest.hold + CALM
    assert not contest_is_over(contest, end, INTERVAL)
    assert contest_is_over(contest, end + 0.1, INTERVAL)
    assert drifted(contest, end + 0.1, INTERVAL) == Contest(1, end + 0.1, 0.0)


def test_who_looks_seldom_needs_a_longer_calm_spell() -> None:
    contest = drifted(None, 0.0, 600.0)
    assert not contest_is_over(contest, 3 * 600.0, 600.0)
    assert contest_is_over(contest, 3 * 600.0 + 1, 600.0)
