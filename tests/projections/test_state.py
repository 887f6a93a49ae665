"""Checkpoints: any state comes back from its JSON, and goes on exactly as the one it was taken of."""

import json

import pytest

from kglb.events import HealthChanged, MarkAssigned, MarkReleased
from kglb.model import Forward, Way
from kglb.projections import FoldError, State
from tests.projections.builders import WEB, added, real_id
from tests.projections.test_plan import running


def stored(state: State) -> bytes:
    return b"".join(state.checkpoint())


def test_a_checkpoint_gives_the_state_back() -> None:
    state = running().state
    again = State.from_checkpoint(state.seq, stored(state))
    assert again.fleet == state.fleet
    assert again.data_plane.desired == state.data_plane.desired
    assert again.data_plane.actual == state.data_plane.actual
    assert again.seq == state.seq
    assert stored(again) == stored(state)


def test_the_empty_checkpoint_is_the_empty_state() -> None:
    assert State.from_checkpoint(0, b"{}").fleet == State().fleet


def test_a_record_that_does_not_follow_from_what_is_there_is_named() -> None:
    state, way = State(), Way(address="10.0.0.1", forward=Forward(), ipv6=False)
    state.fold(6, MarkAssigned(service=WEB, real=real_id(0), mark=8, way=way))
    with pytest.raises(FoldError, match=r"record 7, MarkReleased, does not fold: KeyError\(9\)") as broken:
        state.fold(7, MarkReleased(service=WEB, real=real_id(0), mark=9, way=way))
    assert broken.value.seq == 7


def test_a_checkpoint_is_that_of_the_moment_it_was_asked_for() -> None:
    state = running().state
    before = stored(state)
    parts = state.checkpoint()
    state.fold(99, HealthChanged(service=WEB, real=real_id(0), healthy=True, streak=1, run=1))
    state.fold(100, added(WEB, 1))
    assert b"".join(parts) == before


def test_a_checkpoint_comes_in_slices_that_never_hold_up_the_loop() -> None:
    machine = running()
    machine.record(*(added(WEB, number) for number in range(2, 5000)))
    whole = list(machine.state.checkpoint())
    assert len(json.loads(b"".join(whole))["fleet"]["balancers"][WEB]["reals"]) == 5000
    assert len(whole) > 50
    assert max(len(part) for part in whole) < 100_000, "bytes stand for time here: a part is some 0.1 ms"
