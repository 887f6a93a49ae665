"""Why has a real its weight, when operators, the config or its check have a say in it?"""

import pytest

from kglb.events import RealDrained, RealLeaving, RealRestored, WeightOverridden, WeightReported
from tests.projections.builders import WEB, real_id
from tests.replay.journals import Fleet
from tests.replay.test_explain import chain, why

A = real_id(0)
NOON = 1795348800.0  # 2026-11-22T12:00:00Z


def test_a_drained_real_is_explained_by_who_drained_it_and_why(fleet: Fleet) -> None:
    drained = RealDrained(service=WEB, real=A, who="kim", note="new disk", until=NOON)
    order = fleet.builder.record(drained)
    assert why(fleet).reason.startswith("its balancer has not decided since this: kim drained it")
    decision = fleet.decide("available", {A: 0}, order)
    applied = fleet.apply()
    found = why(fleet)
    assert (found.weight, found.kernel_weight) == (0, 0)
    assert found.reason == "kim drained it until 2026-11-22T12:00:00Z: new disk"
    assert chain(found)[:3] == [
        (applied, "OperationsApplied"),
        (decision, "BalancerDecided"),
        (order, "RealDrained"),
    ]


@pytest.mark.parametrize(
    ("restored", "over"),
    [
        (RealRestored(service=WEB, real=A, ended=("drain",), who="kim", note="done"), "kim ended its drain: done"),
        (RealRestored(service=WEB, real=A, ended=("drain",), reason="deadline"), "its drain is over"),
    ],
)
def test_restored_it_is_explained_by_what_ended_and_its_checks(fleet: Fleet, restored: RealRestored, over: str) -> None:
    fleet.decide("available", {A: 0}, fleet.builder.record(RealDrained(service=WEB, real=A, who="kim")))
    order = fleet.builder.record(restored)
    fleet.decide("available", {A: 1000}, order)
    found = why(fleet)
    assert found.reason == f"{over}; 3 checks in a row passed"
    assert (order, "RealRestored") in chain(found)


def test_a_restored_real_that_went_down_and_up_since_is_explained_by_its_checks(fleet: Fleet) -> None:
    fleet.decide("available", {A: 0}, fleet.builder.record(RealDrained(service=WEB, real=A, who="kim")))
    fleet.decide("available", {A: 1000}, fleet.builder.record(RealRestored(service=WEB, real=A, ended=("drain",))))
    fleet.goes(A, up=False)
    fleet.goes(A, up=True)
    assert why(fleet).reason == "3 checks in a row passed"


def test_a_weight_by_hand_is_explained_with_the_health_it_rests_on(fleet: Fleet) -> None:
    order = fleet.builder.record(WeightOverridden(service=WEB, real=A, weight=7, who="kim", note="warm up"))
    fleet.decide("available", {A: 7}, order)
    found = why(fleet)
    assert found.reason == "kim gave it this weight: warm up; 3 checks in a row passed"
    assert (order, "WeightOverridden") in chain(found)


def test_a_real_that_is_forced_up_is_explained_with_what_its_checks_say(fleet: Fleet) -> None:
    fleet.goes(A, up=False)
    order = fleet.builder.record(WeightOverridden(service=WEB, real=A, weight=7, who="kim", note="ab", force_up=True))
    fleet.decide("available", {A: 7}, order)
    found = why(fleet)
    assert found.reason == (
        "kim forced it up with this weight: ab; 2 checks in a row failed, the last: connection refused"
    )
    assert not found.healthy


def test_a_weight_of_zero_by_hand_is_not_blamed_on_the_config(fleet: Fleet) -> None:
    order = fleet.builder.record(WeightOverridden(service=WEB, real=A, weight=0, who="kim"))
    fleet.decide("available", {A: 0}, order)
    assert why(fleet).reason == "kim gave it this weight"


def test_a_weight_that_its_check_says_is_explained_by_the_check(fleet: Fleet) -> None:
    reported = fleet.builder.record(WeightReported(service=WEB, real=A, weight=9))
    fleet.decide("available", {A: 9}, reported)
    assert why(fleet).reason == "its check says so; 3 checks in a row passed"


def test_a_leaving_real_is_explained_by_the_config(fleet: Fleet) -> None:
    left = fleet.builder.record(RealLeaving(service=WEB, real=A, host=str(A), until=NOON))
    fleet.decide("available", {A: 0}, left)
    found = why(fleet)
    assert found.reason == "the config no longer has it; it goes with its last connection or at 2026-11-22T12:00:00Z"
    assert (left, "RealLeaving") in chain(found)


# --- a weight that came before its reason ---------------------------------------------------------------------------


def test_a_real_that_was_down_before_it_was_drained_has_kept_its_weight_since_the_drain(fleet: Fleet) -> None:
    fleet.goes(A, up=False)
    order = fleet.builder.record(RealDrained(service=WEB, real=A, who="kim", note="found dead"))
    fleet.decide("available", {}, order)
    found = why(fleet)
    assert (found.standing, found.reason) == ("has kept weight 0", "kim drained it: found dead")
    assert found.since == next(link.at for link in found.chain if link.seq == order)


def test_a_real_that_went_down_while_it_was_drained_is_down_since_then(fleet: Fleet) -> None:
    fleet.decide("available", {A: 0}, fleet.builder.record(RealDrained(service=WEB, real=A, who="kim")))
    health = fleet.judge(A, streak=-2, run=fleet.flip(A, "failure"))
    fleet.decide("available", {}, fleet.builder.record(RealRestored(service=WEB, real=A, ended=("drain",))))
    found = why(fleet)
    assert found.standing == "has kept weight 0"
    assert found.reason == "2 checks in a row failed, the last: connection refused"
    assert found.since == next(link.at for link in found.chain if link.seq == health)


def test_an_operators_weight_that_it_had_already_is_kept_since_the_order(fleet: Fleet) -> None:
    order = fleet.builder.record(WeightOverridden(service=WEB, real=A, weight=1000, who="kim"))
    found = why(fleet)
    assert found.standing == "has kept weight 1000"
    assert found.reason.startswith("kim gave it this weight")
    assert found.since == next(link.at for link in found.chain if link.seq == order)


def test_a_weight_that_came_with_its_reason_is_not_said_to_be_kept(fleet: Fleet) -> None:
    decision = fleet.decide("available", {A: 0}, fleet.builder.record(RealDrained(service=WEB, real=A, who="kim")))
    found = why(fleet)
    assert found.standing == "has weight 0"
    assert found.since == next(link.at for link in found.chain if link.seq == decision)
