"""What operators order, what leaves the config, and what checks say of weights, as facts add up."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kglb.events import (
    DaemonStopping,
    DrainFinished,
    Event,
    HealthChanged,
    RealAdded,
    RealDrained,
    RealKept,
    RealLeaving,
    RealRemoved,
    RealRestored,
    WeightOverridden,
    WeightReported,
)
from kglb.model import Forward, Real, RealId, TcpCheck
from kglb.projections import RealState, State
from tests.projections.builders import WEB, added, applied, balancer, real, real_id, started
from tests.projections.test_fleet import fold

A, B = real_id(0), real_id(1)
BEGIN = (started(), applied(balancer()), added(WEB, 0, healthy=True), added(WEB, 1, healthy=True))
DRAINED = RealDrained(service=WEB, real=A, who="kim", note="new disk", until=99.0)
WEIGHED = WeightOverridden(service=WEB, real=A, weight=5, who="kim")
LEFT = RealLeaving(service=WEB, real=A, host=str(A), until=99.0)


def counts(*events: Event) -> tuple[int, int]:
    known = fold(*BEGIN, *events).fleet.balancers[WEB]
    return known.alive, known.total


def known_after(*events: Event) -> RealState:
    known = fold(*BEGIN, *events).fleet.real(WEB, A)
    assert known is not None
    return known


@pytest.mark.parametrize("gone", [DRAINED, LEFT], ids=["drained", "leaving"])
def test_a_real_out_of_rotation_counts_neither_as_alive_nor_at_all(gone: Event) -> None:
    assert counts(gone) == (1, 1)
    fell = HealthChanged(service=WEB, real=A, healthy=False, streak=-1, run=4)
    assert counts(gone, fell) == (1, 1), "its health is still followed"
    assert counts(gone, RealRemoved(service=WEB, real=A, host=str(A))) == (1, 1)


def test_a_drain_says_who_why_and_until_when() -> None:
    drain = known_after(DRAINED).orders.drain
    assert drain is not None
    assert (drain.seq, drain.who, drain.note, drain.until) == (5, "kim", "new disk", 99.0)


def test_restored_a_real_is_as_before() -> None:
    assert known_after(DRAINED, WEIGHED, RealRestored(service=WEB, real=A, who="kim")) == known_after()
    assert counts(DRAINED, RealRestored(service=WEB, real=A, who="kim")) == (2, 2)


def test_a_deadline_ends_one_order_and_not_the_other() -> None:
    over = RealRestored(service=WEB, real=A, ended=("drain",), reason="deadline")
    known = known_after(DRAINED, WEIGHED, over)
    assert (known.drained, known.configured) == (0, 5)


def test_an_operators_weight_goes_before_the_checks_which_goes_before_the_configs() -> None:
    reported = WeightReported(service=WEB, real=A, weight=7)
    assert known_after().configured == 1000
    assert known_after(reported).configured == 7
    assert known_after(reported, WEIGHED).configured == 5
    assert known_after(WEIGHED, reported, RealRestored(service=WEB, real=A)).configured == 7


def test_another_check_has_another_say_on_the_weight() -> None:
    reported = WeightReported(service=WEB, real=A, weight=7)
    assert known_after(reported, applied(balancer(check=TcpCheck()))).configured == 1000


def test_a_finished_drain_is_known_to_be() -> None:
    drain = known_after(DRAINED, DrainFinished(service=WEB, real=A)).orders.drain
    assert drain is not None
    assert drain.finished == 6


def test_a_leaving_real_that_comes_back_is_in_rotation_with_its_health() -> None:
    known = known_after(LEFT, RealKept(service=WEB, real=A, entry=real(0, weight=3)))
    assert (known.in_rotation, known.healthy, known.configured) == (True, True, 3)


@pytest.mark.parametrize(
    "restart",
    [(started(),), (started("another boot"),), (DaemonStopping(reason="SIGTERM", on_stop="cleanup"), started())],
    ids=["same boot", "reboot", "clean stop"],
)
def test_orders_outlive_every_kind_of_restart(restart: tuple[Event, ...]) -> None:
    known = known_after(DRAINED, WEIGHED, *restart, applied(balancer()), added(WEB, 0))
    assert (known.drained, known.configured) == (5, 5)


def test_orders_follow_a_name_to_its_new_address() -> None:
    entry = Real(host="app:80", weight=1000, forward=Forward())
    named = replace(balancer(), reals=(entry,))
    old, new = (
        RealAdded(service=WEB, real=RealId(f"10.0.0.{last}:80"), entry=entry, healthy=True, basis="adopted")
        for last in (8, 9)
    )
    drained = replace(DRAINED, real=old.real)
    for gone in (
        RealRemoved(service=WEB, real=old.real, host="app:80"),
        RealLeaving(service=WEB, real=old.real, host="app:80", until=99.0),
    ):
        known = fold(started(), applied(named), old, drained, gone, new).fleet.real(WEB, new.real)
        assert known is not None
        assert known.drained == 4


def test_orders_end_with_their_real_in_the_config() -> None:
    state = fold(*BEGIN, DRAINED, applied(balancer(reals=0)), RealRemoved(service=WEB, real=A, host=str(A)))
    assert state.fleet.kept == {}
    gone = (applied(balancer(reals=0)), RealRemoved(service=WEB, real=A, host=str(A)))
    assert known_after(DRAINED, *gone, applied(balancer()), added(WEB, 0)).drained == 0


def test_a_checkpoint_keeps_orders_in_force_and_those_kept_for_later() -> None:
    for later in ((), (started("another boot"),)):
        state = fold(*BEGIN, WEIGHED, RealDrained(service=WEB, real=B, who="kim"), LEFT, *later)
        again = State.from_checkpoint(state.seq, b"".join(state.checkpoint()))
        assert again.fleet == state.fleet


def test_a_checkpoint_from_before_there_were_orders_still_decodes() -> None:
    state = fold(*BEGIN)
    tree = msgspec.json.decode(b"".join(state.checkpoint()))
    del tree["fleet"]["kept"]
    for known in tree["fleet"]["balancers"][WEB]["reals"].values():
        known.pop("orders", None)
    assert State.from_checkpoint(state.seq, msgspec.json.encode(tree)).fleet == state.fleet


_ANY = st.sampled_from(
    [
        event
        for name in (A, B)
        for event in (
            RealDrained(service=WEB, real=name, who="kim"),
            WeightOverridden(service=WEB, real=name, weight=5, who="kim"),
            RealRestored(service=WEB, real=name),
            RealRestored(service=WEB, real=name, ended=("drain",)),
            RealLeaving(service=WEB, real=name, host=str(name), until=99.0),
            RealKept(service=WEB, real=name, entry=real(0)),
            RealRemoved(service=WEB, real=name, host=str(name)),
            DrainFinished(service=WEB, real=name),
            WeightReported(service=WEB, real=name, weight=9),
            HealthChanged(service=WEB, real=name, healthy=True, streak=1, run=1),
            HealthChanged(service=WEB, real=name, healthy=False, streak=-1, run=1),
            replace(added(WEB, 0), real=name),
        )
    ]
)


@given(st.lists(_ANY, max_size=40))
def test_whatever_happens_the_counts_are_those_of_the_reals_in_rotation(events: list[Event]) -> None:
    known = fold(*BEGIN, *events).fleet.balancers[WEB]
    rotation = [one for one in known.reals.values() if one.in_rotation]
    assert (known.alive, known.total) == (sum(one.healthy for one in rotation), len(rotation))
