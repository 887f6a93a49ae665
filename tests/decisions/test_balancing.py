"""Mode and weights. Case ids are those of KgLb's conformance list, section C."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.decisions import Counts, Decision, Duty, Policy, decide, duty_of, mode_of, verdicts_of
from kglb.events import ChecksImpossible, ChecksResumed, HealthChanged, Mode, ProbeFlipped
from kglb.model import RealId, ServiceId, WhenAllDown


@dataclass(frozen=True)
class Standing:
    up: bool
    configured: int = 1000
    weight: int | None = None
    in_rotation: bool = True
    backup: bool = False
    awaited: bool = False
    tenths: int = 10
    presumed_warm: bool = False


A, B, C = RealId("10.0.0.1:80"), RealId("10.0.0.2:80"), RealId("10.0.0.3:80")
Standings = dict[RealId, Standing]
OPEN, CLOSED = Policy("fail_open"), Policy("fail_closed")


def counts_of(standings: Standings) -> Counts:
    rotation = [standing for standing in standings.values() if standing.in_rotation]
    primaries = [standing for standing in rotation if not standing.backup]
    backups = [standing for standing in rotation if standing.backup]
    return Counts(
        alive=sum(one.up for one in primaries),
        total=len(primaries),
        awaited=sum(one.awaited and not one.up for one in primaries),
        backups_alive=sum(one.up for one in backups),
        backups=len(backups),
    )


def decision(
    standings: Standings, before: Mode | None, policy: Policy = OPEN, *, before_total: int | None = None
) -> Decision:
    counts = counts_of(standings)
    return decide(
        before=duty_of(before, counts.total if before_total is None else before_total),
        counts=counts,
        proven=before not in (None, "initial"),
        policy=policy,
        standings=standings,
        touched=list(standings),
    )


def weights(standings: Standings, before: Mode | None, when_all_down: WhenAllDown) -> dict[RealId, int]:
    return decision(standings, before, Policy(when_all_down)).weights


# --- the mode ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "alive", "total", "proven", "policy", "mode"),
    [
        ("C9 step 6: no reals", 0, 0, True, OPEN, "no_upstreams"),
        ("E11: no reals, ever", 0, 0, False, OPEN, "no_upstreams"),
        ("C10: failsafe never applies before the first healthy real", 0, 2, False, OPEN, "initial"),
        ("C10 with fail_closed", 0, 2, False, CLOSED, "initial"),
        ("C8: some are up", 1, 2, False, OPEN, "available"),
        ("C9 step 5: all down", 0, 2, True, OPEN, "failsafe"),
        ("all down, fail_closed", 0, 2, True, CLOSED, "unavailable"),
    ],
)
def test_the_mode_follows_from_counts_history_and_policy(
    case: str, alive: int, total: int, proven: bool, policy: Policy, mode: Mode
) -> None:
    assert mode_of(Counts(alive, total), proven, policy) == mode, case


@pytest.mark.parametrize(
    ("case", "counts", "proven", "policy", "mode"),
    [
        ("a primary is up", Counts(1, 3, backups_alive=2, backups=2), True, OPEN, "available"),
        ("no primary is up", Counts(0, 3, backups_alive=1, backups=2), True, OPEN, "backup"),
        ("no primary is up, fail_closed", Counts(0, 3, backups_alive=1, backups=2), True, CLOSED, "backup"),
        ("no backup is up either", Counts(0, 3, backups=2), True, OPEN, "failsafe"),
        ("no backup is up either, fail_closed", Counts(0, 3, backups=2), True, CLOSED, "unavailable"),
        ("all primaries are drained", Counts(0, 0, backups_alive=1, backups=1), True, OPEN, "backup"),
        ("and the backup fails", Counts(0, 0, backups=1), True, OPEN, "failsafe"),
        ("and the backup fails, fail_closed", Counts(0, 0, backups=1), True, CLOSED, "unavailable"),
        ("a start: primaries are awaited", Counts(0, 3, 1, backups_alive=1, backups=1), False, OPEN, "initial"),
        ("a start: every primary has failed", Counts(0, 3, 0, backups_alive=1, backups=1), False, OPEN, "backup"),
        ("a start: nobody is up yet", Counts(0, 3, 0, backups=1), False, OPEN, "initial"),
        ("new primaries, and it has served", Counts(0, 3, 3, backups_alive=1, backups=1), True, OPEN, "backup"),
    ],
)
def test_backups_serve_while_no_primary_is_up(
    case: str, counts: Counts, proven: bool, policy: Policy, mode: Mode
) -> None:
    assert mode_of(counts, proven, policy) == mode, case


@pytest.mark.parametrize(
    ("case", "counts", "below", "mode"),
    [
        ("enough are up", Counts(3, 10), 0.3, "available"),
        ("too few are up", Counts(2, 10), 0.3, "failsafe"),
        ("one is missing, and all are asked for", Counts(9, 10), 1.0, "failsafe"),
        ("all are there, and all are asked for", Counts(10, 10), 1.0, "available"),
        ("7 of 100 is not below 0.07", Counts(7, 100), 0.07, "available"),
        ("off", Counts(1, 1000), 0.0, "available"),
        ("those awaited count as up", Counts(1, 10, 2), 0.3, "available"),
        ("twenty more join five", Counts(5, 25, 20), 0.5, "available"),
        ("a backup is up: somebody can take over", Counts(2, 10, backups_alive=1, backups=1), 0.3, "available"),
        ("and serves when none is up", Counts(0, 10, backups_alive=1, backups=1), 0.3, "backup"),
        ("no backup is up", Counts(2, 10, backups=1), 0.3, "failsafe"),
        ("none is up", Counts(0, 10), 0.3, "failsafe"),
    ],
)
def test_too_few_primaries_open_to_all(case: str, counts: Counts, below: float, mode: Mode) -> None:
    assert mode_of(counts, True, Policy("fail_open", below)) == mode, case


def test_the_threshold_is_no_reason_to_send_traffic_to_what_was_never_up() -> None:
    assert mode_of(Counts(0, 10), False, Policy("fail_open", 0.3)) == "initial"


# --- weights ----------------------------------------------------------------------------------------------------------


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


SORRY = Standing(True, configured=7, weight=0, backup=True)


def test_a_backup_stands_by_while_a_primary_is_up() -> None:
    assert weights({A: Standing(True), B: replace(SORRY, weight=None)}, None, "fail_open") == {A: 1000, B: 0}


def test_when_the_last_primary_goes_the_backup_gets_its_weight() -> None:
    gone = {A: Standing(False, weight=1000), B: SORRY}
    assert decision(gone, "available") == Decision("backup", {A: 0, B: 7})


def test_when_a_primary_is_back_the_backup_stands_by_again() -> None:
    back = {A: Standing(True, weight=0), B: replace(SORRY, weight=7)}
    assert decision(back, "backup") == Decision("available", {A: 1000, B: 0})


def test_of_several_backups_those_serve_that_are_up() -> None:
    pool = {A: Standing(False, weight=1000), B: SORRY, C: replace(SORRY, up=False)}
    assert decision(pool, "available") == Decision("backup", {A: 0, B: 7})


def test_failsafe_does_as_if_every_real_were_up_so_backups_stand_by() -> None:
    nobody = {A: Standing(False, weight=0), B: replace(SORRY, up=False, weight=7)}
    assert decision(nobody, "backup") == Decision("failsafe", {A: 1000, B: 0})


def test_without_a_primary_in_rotation_failsafe_raises_the_backups() -> None:
    drained = {A: Standing(True, weight=0, in_rotation=False), B: replace(SORRY, up=False, weight=7)}
    assert decision(drained, "backup") == Decision("failsafe", {}), "the sorry server keeps what it has"
    restored = {A: Standing(False, weight=0), B: replace(SORRY, up=False, weight=7)}
    assert decision(restored, "failsafe", before_total=0) == Decision("failsafe", {A: 1000, B: 0})


def test_a_drained_backup_does_not_serve() -> None:
    drained = {A: Standing(False, weight=1000), B: replace(SORRY, in_rotation=False)}
    assert decision(drained, "available") == Decision("failsafe", {})


def test_with_too_few_up_those_that_are_down_get_their_weight_too() -> None:
    few = {A: Standing(True, weight=1000), B: Standing(False, weight=0), C: Standing(False, weight=1000)}
    assert decision(few, "available", Policy("fail_open", 0.5)) == Decision("failsafe", {B: 1000})


def test_an_awaited_primary_keeps_the_sorry_server_out_of_a_start() -> None:
    start = {A: Standing(False, weight=0, awaited=True), B: SORRY}
    assert decision(start, "initial") == Decision("initial", {})
    assert decision({A: Standing(False, weight=0), B: SORRY}, "initial") == Decision("backup", {B: 7})


# --- the work ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["available", "unavailable"])
def test_only_touched_reals_are_looked_at_unless_others_come_on_duty(before: Mode) -> None:
    standings = {A: Standing(False, weight=1000), B: Standing(False, weight=1000)}
    decided = decide(
        before=duty_of(before, 2),
        counts=Counts(1, 2),
        proven=True,
        policy=OPEN,
        standings=standings,
        touched=[A],
    )
    assert decided.weights == {A: 0}, "B was not touched, whatever its state"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("available", 3), ("available", 2), True),
        (("initial", 3), ("available", 3), True),
        (("available", 3), ("unavailable", 3), True),
        (("failsafe", 3), ("failsafe", 2), True),
        (("failsafe", 1), ("failsafe", 0), False),
        (("backup", 1), ("backup", 0), True),
        (("available", 3), ("backup", 3), False),
        (("available", 3), ("failsafe", 3), False),
        (("backup", 3), ("failsafe", 3), False),
        (("backup", 0), ("failsafe", 0), False),
    ],
)
def test_others_come_on_duty_only_with_another_mode(one: tuple[Mode, int], other: tuple[Mode, int], same: bool) -> None:
    assert (duty_of(*one) == duty_of(*other)) is same


WEB = ServiceId("tcp://192.0.2.1:80")


def test_only_a_failure_is_a_verdict_of_a_run() -> None:
    failed = ProbeFlipped(service=WEB, real=A, outcome="failure", reason="timeout", latency=1.0, previous_count=0)
    assert verdicts_of(failed) == (A,)
    passed = ProbeFlipped(service=WEB, real=A, outcome="success", reason="", latency=1.0, previous_count=0)
    assert verdicts_of(passed) == ()


def test_a_real_that_cannot_be_checked_is_awaited_no_more() -> None:
    assert verdicts_of(ChecksImpossible(service=WEB, reals=(A, B), problem="no path", remedy="")) == (A, B)
    assert verdicts_of(ChecksResumed(service=WEB, reals=(B,))) == (B,)
    assert verdicts_of(HealthChanged(service=WEB, real=A, healthy=True, streak=3, run=1)) == ()


# --- whatever the facts -----------------------------------------------------------------------------------------------

MODES: list[Mode | None] = [None, "initial", "available", "backup", "failsafe", "unavailable", "no_upstreams"]
STANDINGS = st.dictionaries(
    st.sampled_from([RealId(f"10.0.0.{number}:80") for number in range(1, 9)]),
    st.builds(
        Standing,
        up=st.booleans(),
        configured=st.sampled_from([1, 10]),
        in_rotation=st.booleans(),
        backup=st.booleans(),
        awaited=st.booleans(),
    ),
)
POLICIES = st.one_of(
    st.just(CLOSED), st.builds(Policy, st.just("fail_open"), st.sampled_from([0.0, 0.2, 0.5, 0.75, 1.0]))
)


def settled(standings: Standings, mode: Mode | None, proven: bool, policy: Policy) -> tuple[Mode, Standings]:
    """The mode, and all reals with the weights they end up with."""
    counts = counts_of(standings)
    decided = decide(
        before=duty_of(mode, counts.total),
        counts=counts,
        proven=proven,
        policy=policy,
        standings=standings,
        touched=list(standings),
    )
    return decided.mode, {
        real: replace(one, weight=decided.weights.get(real, one.weight)) for real, one in standings.items()
    }


@given(standings=STANDINGS, proven=st.booleans(), policy=POLICIES)
def test_what_holds_whatever_the_facts(standings: Standings, proven: bool, policy: Policy) -> None:
    mode, after = settled(standings, None, proven, policy)
    serving = [one for one in after.values() if one.weight]
    rotation = [one for one in after.values() if one.in_rotation]
    primaries_up = any(one.up and not one.backup for one in rotation)
    assert all(one.in_rotation for one in serving), "whoever is out of rotation gets nothing"
    assert len({one.backup for one in serving}) < 2, "primaries and backups never serve together"
    assert all(one.weight in (0, one.configured) for one in after.values())
    if primaries_up:
        assert all(one in serving for one in rotation if one.up and not one.backup), "nothing taken from the healthy"
    elif any(one.up for one in rotation):
        assert {one.backup for one in serving} == {True} or mode == "initial"
    if any(not one.up for one in serving):
        assert mode == "failsafe"
        assert policy.when_all_down == "fail_open"
    if proven and rotation and policy.when_all_down == "fail_open":
        assert serving, "who has served goes on serving"
    if not proven and not any(one.up for one in rotation):
        assert not serving, "what was never up gets nothing"


@given(before=STANDINGS, after=STANDINGS, proven=st.booleans(), policy=POLICIES)
def test_weights_depend_on_the_facts_and_not_on_the_way_there(
    before: Standings, after: Standings, proven: bool, policy: Policy
) -> None:
    """However the reals stood: touching those that changed gives the same weights as looking at all of them."""
    mode, stood = settled(before, None, proven, policy)
    known = {real: replace(one, weight=stood[real].weight if real in stood else None) for real, one in after.items()}
    changed = [real for real, one in after.items() if before.get(real) != one]
    counts = counts_of(known)
    decided = decide(
        before=duty_of(mode, counts_of(before).total),
        counts=counts,
        proven=proven,
        policy=policy,
        standings=known,
        touched=changed,
    )
    expected_mode, expected = settled(after, None, proven, policy)
    assert decided.mode == expected_mode
    assert {real: decided.weights.get(real, one.weight) for real, one in known.items()} == {
        real: one.weight for real, one in expected.items()
    }


@given(standings=STANDINGS, policy=POLICIES, proven=st.booleans())
def test_a_decision_leaves_nothing_to_decide(standings: Standings, policy: Policy, proven: bool) -> None:
    mode, after = settled(standings, None, proven, policy)
    assert settled(after, mode, proven, policy) == (mode, after)


def test_every_mode_has_somebody_on_duty() -> None:
    assert [duty_of(mode, 1) for mode in MODES].count(Duty(backups=False, even_down=False)) == len(MODES) - 2
