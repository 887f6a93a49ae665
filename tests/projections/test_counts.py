"""A balancer's counts follow every event about its reals: kept step by step, they are what counting anew gives."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kglb.events import (
    ChecksImpossible,
    ChecksResumed,
    Event,
    HealthChanged,
    ProbeFlipped,
    RealAdded,
    RealDrained,
    RealRemoved,
    RealRestored,
    WarmthChanged,
    WeightOverridden,
    WeightReported,
)
from kglb.model import Balancer, RealId, TcpCheck
from kglb.projections import BalancerState, State
from tests.projections.builders import WEB, added, applied, balancer, real, real_id

COUNT = 4
"""Reals that events are about."""


def with_backups(*numbers: int, fail_open_below: float = 0.0, **check: float) -> Balancer:
    """A balancer of which these reals are backups."""
    reals = tuple(replace(real(number), backup=number in numbers) for number in range(COUNT))
    asked = TcpCheck(**check)  # type: ignore[arg-type]
    return replace(balancer(), reals=reals, fail_open_below=fail_open_below, check=asked)


def flipped(number: int, outcome: Literal["success", "failure"]) -> ProbeFlipped:
    return ProbeFlipped(
        service=WEB,
        real=real_id(number),
        outcome=outcome,
        reason="",
        latency=0.1,
        previous_count=1,
    )


def changed(number: int, *, healthy: bool) -> HealthChanged:
    return HealthChanged(service=WEB, real=real_id(number), healthy=healthy, streak=3 if healthy else -3, run=1)


def folded(*events: Event) -> BalancerState:
    state = State()
    for seq, event in enumerate(events, 1):
        state.fold(seq, event)
    return state.fleet.balancers[WEB]


def counts(known: BalancerState) -> dict[str, int]:
    """By looking at every real."""
    rotation = [real for real in known.reals.values() if real.in_rotation]
    primaries = [real for real in rotation if not real.entry.backup]
    backups = [real for real in rotation if real.entry.backup]
    unjudged = [real for real in primaries if not real.has_verdict and real.real not in known.unchecked]
    return {
        "alive": sum(real.up for real in primaries),
        "total": len(primaries),
        "awaited": len(unjudged) if known.awaits else 0,
        "backups_alive": sum(real.up for real in backups),
        "backups": len(backups),
        "warming": sum(real.warming is not None for real in known.reals.values()),
        "weightless": sum(real.up and real.configured == 0 and real.warming is None for real in primaries),
    }


def kept(known: BalancerState) -> dict[str, int]:
    names = ("alive", "total", "awaited", "backups_alive", "backups", "warming", "weightless")
    return {name: getattr(known, name) for name in names}


NUMBERS = st.integers(0, COUNT - 1)
OUTCOMES: tuple[Literal["success", "failure"], ...] = ("success", "failure")
EVENTS = st.one_of(
    st.builds(flipped, NUMBERS, st.sampled_from(OUTCOMES)),
    st.builds(lambda number, healthy: changed(number, healthy=healthy), NUMBERS, st.booleans()),
    st.builds(lambda number: RealDrained(service=WEB, real=real_id(number), who="kim"), NUMBERS),
    st.builds(
        lambda number, ended: RealRestored(service=WEB, real=real_id(number), ended=(ended,)),
        NUMBERS,
        st.sampled_from(("drain", "weight")),
    ),
    st.builds(
        lambda number, weight, force_up: WeightOverridden(
            service=WEB, real=real_id(number), who="kim", weight=weight, force_up=force_up
        ),
        NUMBERS,
        st.integers(0, 1),
        st.booleans(),
    ),
    st.builds(
        lambda number, weight: WeightReported(service=WEB, real=real_id(number), weight=weight),
        NUMBERS,
        st.integers(0, 1),
    ),
    st.builds(
        lambda number, tenths: WarmthChanged(service=WEB, tenths={real_id(number): tenths}, causes={}),
        NUMBERS,
        st.integers(1, 10),
    ),
    st.builds(lambda number: RealRemoved(service=WEB, real=real_id(number), host=real_id(number)), NUMBERS),
    st.builds(
        lambda number, backup, healthy: RealAdded(
            service=WEB,
            real=real_id(number),
            entry=replace(real(number), backup=backup),
            healthy=healthy,
            basis="adopted" if healthy else "initial",
        ),
        NUMBERS,
        st.booleans(),
        st.booleans(),
    ),
    st.builds(
        lambda number: ChecksImpossible(service=WEB, reals=(real_id(number),), problem="no path", remedy=""), NUMBERS
    ),
    st.builds(lambda number: ChecksResumed(service=WEB, reals=(real_id(number),)), NUMBERS),
    st.builds(
        lambda backups, below, port: applied(with_backups(*backups, fail_open_below=below, port=port)),
        st.sets(NUMBERS, max_size=2),
        st.sampled_from([0.0, 0.5]),
        st.integers(0, 1),
    ),
)


@given(st.lists(EVENTS, max_size=40))
def test_the_counts_are_what_counting_anew_gives(events: list[Event]) -> None:
    known = folded(applied(with_backups()), *events)
    assert kept(known) == counts(known)


def test_a_checkpoint_from_before_weights_of_0_were_counted_has_them_counted_where_slow_start_begins() -> None:
    state = State()
    weighs = WeightOverridden(service=WEB, real=real_id(0), who="kim", weight=0)
    before: tuple[Event, ...] = (applied(with_backups()), added(WEB, 0), changed(0, healthy=True), weighs)
    for seq, event in enumerate(before, 1):
        state.fold(seq, event)
    state.fleet.balancers[WEB].weightless = 0
    state.fold(5, applied(replace(with_backups(), slow_start=30.0)))
    assert state.fleet.balancers[WEB].weightless == 1


def test_a_primary_is_awaited_until_it_is_up_or_has_failed_a_check() -> None:
    config = applied(with_backups(3))
    start: tuple[Event, ...] = (config, *(added(WEB, number) for number in range(3)))
    assert folded(*start).awaited == 3
    assert folded(*start, flipped(0, "success")).awaited == 3, "it has not passed often enough to be up"
    assert folded(*start, flipped(0, "success"), changed(0, healthy=True)).awaited == 2
    assert folded(*start, flipped(0, "failure")).awaited == 2
    assert folded(*start, flipped(0, "failure"), flipped(0, "success")).awaited == 2, "a verdict stays"
    other_question = applied(with_backups(3, port=8080))
    assert folded(*start, flipped(0, "failure"), other_question).awaited == 2, "whatever is asked next"


def test_a_primary_that_this_machine_cannot_check_is_not_awaited() -> None:
    start = (applied(with_backups(3)), added(WEB, 0), added(WEB, 1))
    blind = ChecksImpossible(service=WEB, reals=(real_id(0),), problem="no path", remedy="")
    assert folded(*start, blind).awaited == 1
    assert folded(*start, blind, ChecksResumed(service=WEB, reals=(real_id(0),))).awaited == 2


def test_who_was_there_before_verdicts_counted_is_not_awaited() -> None:
    before = (applied(with_backups()), added(WEB, 0), added(WEB, 1), flipped(0, "success"))
    assert folded(*before).awaited == 0, "nobody asks"
    assert folded(*before, applied(with_backups(fail_open_below=0.5)), added(WEB, 2)).awaited == 1


def test_a_backup_that_the_kernel_sends_traffic_to_has_served() -> None:
    backup = RealAdded(
        service=WEB, real=RealId("10.0.0.4:80"), entry=replace(real(3), backup=True), healthy=True, basis="adopted"
    )
    assert folded(applied(with_backups(3)), backup).proven
    assert not folded(applied(with_backups(3)), replace(backup, healthy=False, basis="initial")).proven
