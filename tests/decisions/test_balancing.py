"""Mode and weights. Case ids are those of KgLb's conformance list, section C."""

from dataclasses import dataclass

import pytest

from kglb.decisions import decide, mode_of
from kglb.events import Mode
from kglb.model import RealId, WhenAllDown


@dataclass
class Standing:
    healthy: bool
    configured: int = 1000
    weight: int | None = None
    in_rotation: bool = True


@pytest.mark.parametrize(
    ("case", "alive", "total", "proven", "policy", "mode"),
    [
        ("C9 step 6: no reals", 0, 0, True, "fail_open", "no_upstreams"),
        ("E11: no reals, ever", 0, 0, False, "fail_open", "no_upstreams"),
        ("C10: failsafe never applies before the first healthy real", 0, 2, False, "fail_open", "initial"),
        ("C10 with fail_closed", 0, 2, False, "fail_closed", "initial"),
        ("C8: some are up", 1, 2, False, "fail_open", "available"),
        ("C9 step 5: all down", 0, 2, True, "fail_open", "failsafe"),
        ("all down, fail_closed", 0, 2, True, "fail_closed", "unavailable"),
    ],
)
def test_the_mode_follows_from_counts_history_and_policy(
    case: str, alive: int, total: int, proven: bool, policy: WhenAllDown, mode: Mode
) -> None:
    assert mode_of(alive, total, proven, policy) == mode, case


def weights(standings: dict[RealId, Standing], before: Mode | None, policy: WhenAllDown) -> dict[RealId, int]:
    rotation = [standing for standing in standings.values() if standing.in_rotation]
    alive = sum(standing.healthy for standing in rotation)
    return decide(
        before=before,
        alive=alive,
        total=len(rotation),
        proven=before not in (None, "initial"),
        when_all_down=policy,
        standings=standings,
        touched=list(standings),
    ).weights


A, B = RealId("10.0.0.1:80"), RealId("10.0.0.2:80")


def test_c1_a_new_real_is_present_with_weight_zero() -> None:
    assert weights({A: Standing(False)}, None, "fail_open") == {A: 0}


def test_c2_a_known_real_keeps_its_weight_when_another_joins() -> None:
    assert weights({A: Standing(True, 222, 222), B: Standing(False, 222)}, "available", "fail_open") == {B: 0}


def test_c8_weights_follow_health() -> None:
    down = {A: Standing(False, weight=1000), B: Standing(True, weight=1000)}
    assert weights(down, "available", "fail_open") == {A: 0}
    back = {A: Standing(True, weight=0), B: Standing(True, weight=1000)}
    assert weights(back, "available", "fail_open") == {A: 1000}


def test_c9_when_all_are_down_after_having_been_up_every_real_gets_its_weight() -> None:
    assert weights({A: Standing(False, weight=0), B: Standing(False, weight=1000)}, "available", "fail_open") == {
        A: 1000
    }


def test_fail_closed_takes_the_last_one_out_too() -> None:
    assert weights({A: Standing(False, weight=0), B: Standing(False, weight=1000)}, "available", "fail_closed") == {
        B: 0
    }


def test_a_weight_of_zero_in_the_config_means_zero() -> None:
    assert weights({A: Standing(True, 0, 0), B: Standing(False, 5, 0)}, "failsafe", "fail_open") == {}


def test_a_real_out_of_rotation_gets_no_traffic_however_healthy() -> None:
    drained = {A: Standing(True, weight=1000, in_rotation=False), B: Standing(True, weight=1000)}
    assert weights(drained, "available", "fail_open") == {A: 0}


def test_failsafe_raises_the_dead_but_never_the_drained() -> None:
    rest_is_down = {A: Standing(True, weight=0, in_rotation=False), B: Standing(False, weight=0)}
    assert weights(rest_is_down, "available", "fail_open") == {B: 1000}


def test_with_every_real_drained_nobody_gets_traffic_though_all_are_down() -> None:
    drained = {A: Standing(False, weight=1000, in_rotation=False), B: Standing(True, weight=1000, in_rotation=False)}
    assert weights(drained, "failsafe", "fail_open") == {A: 0, B: 0}


def test_only_touched_reals_are_looked_at_unless_failsafe_begins_or_ends() -> None:
    standings = {A: Standing(False, weight=1000), B: Standing(False, weight=1000)}
    decision = decide(
        before="available",
        alive=1,
        total=2,
        proven=True,
        when_all_down="fail_open",
        standings=standings,
        touched=[A],
    )
    assert decision.weights == {A: 0}, "B was not touched, whatever its state"
