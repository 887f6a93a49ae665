"""What becomes of a pool's members with an answer of its source."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kglb.decisions import families, take_in
from kglb.model import Balancer, DummyCheck, Forward, Member, Pool, RealId, Service, ServiceId

REALS = [RealId(f"10.0.0.{number}:80") for number in range(8)]

weights = st.none() | st.integers(0, 3)
pools = st.dictionaries(st.sampled_from(REALS), weights).map(
    lambda by_real: {real: Member(real, weight) for real, weight in by_real.items()}
)
answers = st.lists(st.builds(Member, st.sampled_from(REALS), weights), min_size=1)
shares = st.sampled_from((0.0, 0.25, 0.5, 1.0))


def known(*reals: RealId) -> dict[RealId, Member]:
    return {real: Member(real) for real in reals}


def named(*reals: RealId) -> list[Member]:
    return [Member(real) for real in reals]


# --- properties ---------------------------------------------------------------------------------------------------


@given(pools, answers, st.sets(st.sampled_from(REALS)), shares)
def test_members_and_answer_say_who_joins_who_leaves_and_who_is_lacking(
    before: dict[RealId, Member], answer: list[Member], up: set[RealId], max_loss: float
) -> None:
    taken = take_in(before, answer, up & before.keys(), max_loss)
    first = {one.real: one for one in reversed(answer)}
    assert {one.real: one for one in taken.members} == {
        real: one for real, one in first.items() if before.get(real) != one
    }
    assert {*taken.left, *taken.lacking} == before.keys() - first.keys()
    assert not (taken.left and taken.lacking), "all that are missed leave, or none"


@given(pools, answers, st.sets(st.sampled_from(REALS)), shares)
def test_no_answer_takes_away_more_than_the_share_of_those_that_are_up(
    before: dict[RealId, Member], answer: list[Member], up: set[RealId], max_loss: float
) -> None:
    up &= before.keys()
    left = take_in(before, answer, up, max_loss).left
    assert len(up.intersection(left)) <= max_loss * len(up)
    if not up:
        assert len(left) <= max_loss * len(before)


@given(pools, answers, shares)
def test_the_same_answer_again_is_no_news(before: dict[RealId, Member], answer: list[Member], max_loss: float) -> None:
    once = take_in(before, answer, (), max_loss)
    after = before | {one.real: one for one in once.members}
    after = {real: one for real, one in after.items() if real not in once.left}
    again = take_in(after, answer, (), 0.0)
    assert (again.members, again.left) == ((), ())
    assert set(again.lacking) == set(once.lacking)


@given(pools, answers)
def test_everybody_may_follow_an_answer_where_the_config_says_so(
    before: dict[RealId, Member], answer: list[Member]
) -> None:
    taken = take_in(before, answer, before.keys(), 1.0)
    assert not taken.lacking


# --- examples -----------------------------------------------------------------------------------------------------


def test_a_pool_that_is_replaced_keeps_its_old_members_until_new_ones_are_up() -> None:
    old, new = REALS[:4], REALS[4:]
    first = take_in(known(*old), named(*new), old, 0.5)
    assert ([one.real for one in first.members], first.left, first.lacking) == (new, (), tuple(old))
    both = known(*old, *new)
    assert take_in(both, named(*new), old, 0.5).lacking == tuple(old), "the new ones are not up yet"
    assert take_in(both, named(*new), [*old, *new], 0.5).left == tuple(old)


def test_members_that_are_down_may_leave_however_many_they_are() -> None:
    assert take_in(known(*REALS), named(*REALS[:2]), REALS[:2], 0.5).left == tuple(REALS[2:])


def test_where_nobody_is_up_the_share_is_that_of_all() -> None:
    assert take_in(known(*REALS), named(*REALS[:2]), (), 0.5).lacking == tuple(REALS[2:])


def test_of_two_members_one_may_leave() -> None:
    assert take_in(known(*REALS[:2]), named(REALS[0]), REALS[:2], 0.5).left == (REALS[1],)


def test_a_real_that_is_named_twice_is_one_with_the_first_weight() -> None:
    assert take_in({}, [Member(REALS[0], 2), Member(REALS[0], 7)], (), 0.5).members == (Member(REALS[0], 2),)


# --- families -----------------------------------------------------------------------------------------------------


def test_members_are_of_the_services_family_unless_a_tunnel_leads_to_them() -> None:
    pool = Pool(kind="dns", place="web.example.com:80", weight=1, forward=Forward())
    tunnel = replace(pool, forward=Forward("tunnel"))

    def of(service: str, pool: Pool, source: str = "") -> tuple[bool, ...]:
        one = Service(id=ServiceId(service), scheduler="wrr")
        return families(
            Balancer(name="web", service=one, reals=(), check=DummyCheck(source=source), pools=(pool,)), pool
        )

    assert of("tcp://192.0.2.1:80", pool) == (False,)
    assert of("tcp://[2001:db8::1]:80", pool) == (True,)
    assert of("fwmark6://7", pool) == (True,)
    assert of("tcp://192.0.2.1:80", tunnel) == (False, True)
    assert of("tcp://192.0.2.1:80", tunnel, source="2001:db8::9") == (True,)
    assert of("tcp://192.0.2.1:80", pool, source="2001:db8::9") == ()
