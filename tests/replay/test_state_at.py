"""The state at any record is the fold of all before it, wherever it is begun."""

import pytest

from kglb.events import HealthChanged, RecordsLost
from kglb.projections import State
from kglb.replay.errors import CheckpointError
from kglb.replay.source import Source
from kglb.replay.state_at import Onward, state_at
from kglb.replay.view import view
from tests.projections.builders import WEB, real_id
from tests.replay.journals import Fleet, JournalBuilder


def test_the_state_is_the_same_from_any_checkpoint(fleet: Fleet) -> None:
    fleet.goes(real_id(0), up=False)
    seq = fleet.builder.seq
    expected = b"".join(fleet.builder.state.checkpoint())
    fleet.builder.rotate()
    source = Source(fleet.builder.directory)
    for at, begun in ((seq, 1), (seq + 1, seq + 1)):
        replayed = state_at(source, at)
        assert replayed.checkpoint_seq == begun
        assert b"".join(replayed.state.checkpoint()) == expected


def test_the_state_before_an_outage_does_not_know_it(fleet: Fleet) -> None:
    before = fleet.builder.seq
    fleet.goes(real_id(0), up=False)
    real = state_at(Source(fleet.builder.directory), before).state.fleet.real(WEB, real_id(0))
    assert real is not None
    assert real.healthy


def test_what_lost_records_led_to_is_known_from_the_next_checkpoint_on(fleet: Fleet) -> None:
    builder = fleet.builder
    source, first = Source(builder.directory), builder.seq
    lost = builder.record(RecordsLost(first_seq=first + 1, last_seq=first + 1, reason="damaged", kept_as="x"))
    builder.state.fold(lost, HealthChanged(service=WEB, real=real_id(0), healthy=False, streak=-2, run=0))
    builder.rotate()
    onward = Onward(source, first)
    alive = [onward.replayed.state.fleet.balancers[WEB].alive for _ in onward.to(builder.seq)]
    assert alive == [3, 2]
    assert onward.replayed.checkpoint_seq == builder.seq


def test_a_checkpoint_that_is_not_understood_is_named(fleet: Fleet) -> None:
    builder = JournalBuilder(fleet.builder.directory / "other", checkpoint=b'{"fleet":7}')
    with pytest.raises(CheckpointError, match="at record 1"):
        state_at(Source(builder.directory), 1)


def test_an_empty_checkpoint_is_the_empty_state(fleet: Fleet) -> None:
    assert state_at(Source(fleet.builder.directory), 1).state.fleet == State().fleet


def test_a_view_shows_what_the_kernel_holds_otherwise(fleet: Fleet) -> None:
    run = fleet.flip(real_id(1), "failure")
    health = fleet.judge(real_id(1), streak=-2, run=run)
    fleet.decide("available", {real_id(1): 0}, health)
    seen = view(state_at(Source(fleet.builder.directory), fleet.builder.seq))
    (service,) = seen.services
    assert (service.balancer, service.mode, service.alive, service.total) == ("web", "available", 2, 3)
    differing = [real for real in service.reals if not real.in_step]
    assert [(real.real, real.weight, real.kernel_weight) for real in differing] == [(real_id(1), 0, 1000)]
    assert seen.pending == (f"{WEB}: {real_id(1)} by masquerade, weight 0",)


def test_a_view_of_a_settled_state_has_nothing_to_do(fleet: Fleet) -> None:
    seen = view(state_at(Source(fleet.builder.directory), fleet.builder.seq))
    assert seen.pending == ()
    assert all(real.in_step and real.weight == 1000 for real in seen.services[0].reals)
    assert [(address.address, address.ours) for address in seen.addresses] == [("192.168.100.10/32", True)]
