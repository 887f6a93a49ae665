"""What a sequence of facts adds up to for the reals."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kglb.decisions import observe
from kglb.events import (
    BalancerDecided,
    DaemonStopping,
    Event,
    HealthChanged,
    NameResolved,
    OpenRun,
    ProbeFlipped,
    RealRemoved,
    ResolutionFailed,
    RunsClosed,
)
from kglb.model import Forward, Real
from kglb.projections import RealState, State
from tests.projections.builders import WEB, added, applied, balancer, config, real_id, started

A, B = real_id(0), real_id(1)


def fold(*events: Event) -> State:
    state = State()
    for seq, event in enumerate(events, 1):
        state.fold(seq, event)
    return state


def flipped(outcome: str, previous_count: int, reason: str = "") -> ProbeFlipped:
    return ProbeFlipped(
        service=WEB,
        real=A,
        outcome=outcome,  # type: ignore[arg-type]
        reason=reason or outcome,
        latency=0.001,
        previous_count=previous_count,
    )


def health(healthy: bool, streak: int) -> HealthChanged:
    return HealthChanged(service=WEB, real=A, healthy=healthy, streak=streak, run=4)


def state_of(state: State) -> RealState:
    known = state.fleet.real(WEB, A)
    assert known is not None
    return known


BEGIN = (started(), applied(balancer()), added(WEB, 0), added(WEB, 1))


def test_alive_and_total_follow_the_reals() -> None:
    state = fold(*BEGIN, health(True, 1))
    assert (state.fleet.balancers[WEB].alive, state.fleet.balancers[WEB].total) == (1, 2)
    state.fold(6, RealRemoved(service=WEB, real=A, host=str(A)))
    assert (state.fleet.balancers[WEB].alive, state.fleet.balancers[WEB].total) == (0, 1)


def test_each_belief_names_the_record_that_made_it() -> None:
    decided = BalancerDecided(
        service=WEB, balancer="web", mode="available", alive=1, total=2, weights={A: 1000}, seen=6
    )
    known = state_of(fold(*BEGIN, flipped("success", 0), health(True, 1), decided))
    assert (known.run_seq, known.health_seq, known.weight_seq, known.weight) == (5, 6, 7, 1000)


def test_a_streak_is_continued_over_a_new_reason_of_the_same_sign() -> None:
    known = state_of(fold(*BEGIN, flipped("failure", 0, "refused"), flipped("failure", 4, "timeout")))
    assert known.streak == -5, "four refused, one timeout"


def test_facts_about_a_real_that_is_gone_change_nothing() -> None:
    state = fold(*BEGIN, RealRemoved(service=WEB, real=A, host=str(A)), flipped("failure", 3), health(False, -1))
    assert state.fleet.real(WEB, A) is None
    assert state.fleet.balancers[WEB].total == 1


def test_a_new_boot_forgets_reals_and_health() -> None:
    state = fold(*BEGIN, health(True, 1), started("another boot"))
    assert state.fleet.balancers == {}


def test_the_same_boot_keeps_them() -> None:
    state = fold(*BEGIN, health(True, 1), started())
    assert state_of(state).healthy


def test_a_cleanup_is_the_end_of_what_was_believed() -> None:
    state = fold(*BEGIN, health(True, 1), DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    assert state.fleet.balancers[WEB].mode == "shutdown"
    assert state_of(state).weight == 0
    state.fold(7, started())
    assert state.fleet.balancers == {}


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("xy"), st.booleans()), max_size=60))
def test_runs_encode_every_probe(probes: list[tuple[bool, str, bool]]) -> None:
    """As a checker records them (flips, and runs closed at any time), they give back the streak after every probe."""
    state = fold(*BEGIN)
    seq, count, last, streak = 4, 0, None, 0
    for success, reason, close in probes:
        outcome = "success" if success else "failure"
        _, streak = observe(False, streak, success, 99, 99)
        seq += 1
        if (outcome, reason) != last:
            state.fold(seq, flipped(outcome, count, reason))
            count, last = 0, (outcome, reason)
        count += 1
        if close:
            seq += 1
            state.fold(seq, RunsClosed(runs=(OpenRun(WEB, A, count),)))
            count = 0
            assert state_of(state).streak == streak
    known = state_of(state)
    sign = 1 if known.outcome == "success" else -1
    assert known.streak + sign * (count - known.counted) == streak


def test_a_name_without_an_address_is_known_until_it_has_one_or_leaves_the_config() -> None:
    entries = (Real(host="app:80", weight=1, forward=Forward()), Real(host="web:80", weight=1, forward=Forward()))
    named = replace(balancer(), reals=entries)
    state = fold(
        started(),
        applied(named),
        ResolutionFailed(service=WEB, host="app:80", error="NXDOMAIN"),
        ResolutionFailed(service=WEB, host="web:80", error="timed out", keeping="10.0.0.2"),
    )
    known = state.fleet.balancers[WEB]
    assert known.unresolved == {"app:80": "NXDOMAIN"}, "the other one has the address that it had"
    again = State.from_checkpoint(state.seq, b"".join(state.checkpoint()))
    assert again.fleet.balancers[WEB].unresolved == known.unresolved
    again.fold(5, NameResolved(service=WEB, host="app:80", address="10.0.0.1"))
    assert again.fleet.balancers[WEB].unresolved == {}
    state.fold(5, applied(replace(named, reals=entries[1:])))
    assert known.unresolved == {}


def test_the_addresses_of_names_are_forgotten_when_a_config_says_so() -> None:
    named = replace(balancer(), reals=(Real(host="app:80", weight=1, forward=Forward()),))
    state = fold(
        started(),
        applied(named),
        NameResolved(service=WEB, host="app:80", address="10.0.0.1"),
        NameResolved(service=WEB, host="gone:80", address="10.0.0.2"),
    )
    assert state.fleet.unconfigured_names(config(named)) == (f"{WEB} gone:80",)
    state.fold(5, applied(named))
    assert len(state.fleet.names) == 2, "what an older version recorded is folded as that did"
    state.fold(6, replace(applied(named), forgotten_names=(f"{WEB} gone:80", f"{WEB} unknown:80")))
    assert state.fleet.names == {f"{WEB} app:80": "10.0.0.1"}
