"""Who begins to warm up, who goes on and who has it all: on the fold of what the balancer itself would record."""

from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kglb.decisions import between_steps, decide_for, slow_starts
from kglb.decisions.balancing import share
from kglb.events import (
    WHOLE,
    BalancerDecided,
    Event,
    HealthChanged,
    ProbeFlipped,
    RealDrained,
    RealRestored,
    WarmthChanged,
    WeightOverridden,
)
from kglb.model import Balancer, RealId
from kglb.projections import BalancerState, State
from tests.projections.builders import WEB, added, applied, balancer, real_id

COUNT = 4
A, B, C, D = (real_id(number) for number in range(COUNT))


class Fleet:
    """A balancer's state, and its decisions after each thing that happens."""

    def __init__(self, config: Balancer) -> None:
        self._state = State()
        self._seq = 0
        self._fold(applied(config))
        for number in range(COUNT):
            self._fold(added(WEB, number))
        self._decide(dict.fromkeys(self.known.reals, 1))

    @property
    def known(self) -> BalancerState:
        return self._state.fleet.balancers[WEB]

    @property
    def weights(self) -> dict[RealId, int | None]:
        return {name: real.weight for name, real in self.known.reals.items()}

    def happens(self, *events: HealthChanged | RealDrained | RealRestored | WeightOverridden) -> None:
        """All of them, and then one decision."""
        self._decide({event.real: self._fold(event) for event in events})

    def becomes(self, *reals: RealId, healthy: bool) -> None:
        changing = [real for real in reals if self.known.reals[real].healthy != healthy]
        for real in changing:
            self._fold(probed(real, passes=healthy))
        self.happens(*(health(real, healthy=healthy) for real in changing))

    def configure(self, config: Balancer) -> None:
        self._fold(applied(config))
        self._decide(dict.fromkeys(self.known.reals, self._seq))

    def step(self) -> None:
        """Everybody who warms up has had time for one step."""
        self._warm({name: real.tenths + 1 for name, real in self.known.reals.items() if real.warming is not None}, {})

    def _warm(self, tenths: dict[RealId, int], touched: dict[RealId, int]) -> None:
        tenths = tenths | slow_starts(self.known, touched)
        if tenths:
            seq = self._fold(WarmthChanged(service=WEB, tenths=tenths, causes=dict.fromkeys(tenths, 1)))
            touched = touched | dict.fromkeys(tenths, seq)
        decision = decide_for(self.known, touched)
        self._fold(
            BalancerDecided(
                service=WEB,
                balancer="web",
                mode=decision.mode,
                alive=self.known.alive,
                total=self.known.total,
                weights=decision.weights,
                seen=self._seq,
            )
        )

    def _decide(self, touched: dict[RealId, int]) -> None:
        self._warm({}, touched)

    def _fold(self, event: Event) -> int:
        self._seq += 1
        self._state.fold(self._seq, event)
        return self._seq


def probed(real: RealId, *, passes: bool) -> ProbeFlipped:
    outcome: Literal["success", "failure"] = "success" if passes else "failure"
    return ProbeFlipped(service=WEB, real=real, outcome=outcome, reason="", latency=0.1, previous_count=1)


def health(real: RealId, *, healthy: bool) -> HealthChanged:
    return HealthChanged(service=WEB, real=real, healthy=healthy, streak=1 if healthy else -1, run=1)


def warm(**more: object) -> Fleet:
    """Everybody is up."""
    fields: dict[str, object] = {"slow_start": 30.0, **more}
    fleet = Fleet(balancer(WEB, COUNT, **fields))  # type: ignore[arg-type]
    fleet.becomes(A, B, C, D, healthy=True)
    assert fleet.weights == dict.fromkeys((A, B, C, D), 1000)
    return fleet


def test_a_share_is_rounded_up() -> None:
    assert [share(15, tenths) for tenths in range(1, 11)] == [2, 3, 5, 6, 8, 9, 11, 12, 14, 15]
    assert {share(1, tenths) for tenths in range(1, 11)} == {1}
    assert share(0, 10) == 0


def test_the_last_of_nine_steps_is_taken_when_the_time_is_over() -> None:
    assert between_steps(45.0) * 9 == 45.0


def test_reals_that_come_back_together_begin_together() -> None:
    fleet = warm()
    fleet.becomes(A, B, healthy=False)
    fleet.becomes(A, B, healthy=True)
    assert fleet.weights == {A: 100, B: 100, C: 1000, D: 1000}


def test_reals_that_come_back_together_and_alone_have_their_whole_weight() -> None:
    fleet = warm(when_all_down="fail_closed")
    fleet.becomes(A, B, C, D, healthy=False)
    fleet.becomes(A, B, healthy=True)
    assert fleet.weights == {A: 1000, B: 1000, C: 0, D: 0}


def test_who_comes_while_the_last_warm_one_goes_has_its_whole_weight() -> None:
    fleet = warm()
    fleet.becomes(A, B, C, healthy=False)
    fleet.becomes(A, healthy=True)
    fleet.happens(health(B, healthy=True), health(D, healthy=False))
    assert fleet.weights == {A: 1000, B: 1000, C: 0, D: 0}


def test_a_drain_ends_a_slow_start_and_a_restored_real_begins_one() -> None:
    fleet = warm()
    fleet.happens(RealDrained(service=WEB, real=A, who="kim"))
    fleet.happens(RealRestored(service=WEB, real=A, who="kim"))
    fleet.step()
    assert fleet.weights[A] == 200
    fleet.happens(RealDrained(service=WEB, real=A, who="kim"))
    assert fleet.known.warming == 0
    fleet.happens(RealRestored(service=WEB, real=A, who="kim"))
    assert fleet.weights[A] == 100


def test_too_few_up_ends_every_slow_start() -> None:
    fleet = warm(fail_open_below=0.5)
    fleet.becomes(A, healthy=False)
    fleet.becomes(A, healthy=True)
    fleet.becomes(B, C, D, healthy=False)
    assert fleet.known.mode == "failsafe"
    assert fleet.weights == dict.fromkeys((A, B, C, D), 1000)


def test_a_config_without_it_ends_every_slow_start() -> None:
    fleet = warm()
    fleet.becomes(A, healthy=False)
    fleet.becomes(A, healthy=True)
    fleet.configure(balancer(WEB, COUNT))
    assert fleet.weights[A] == 1000


def test_a_real_that_becomes_a_backup_warms_up_no_more() -> None:
    fleet = warm()
    fleet.becomes(A, healthy=False)
    fleet.becomes(A, healthy=True)
    config = balancer(WEB, COUNT, slow_start=30.0)
    fleet.configure(replace(config, reals=(replace(config.reals[0], backup=True), *config.reals[1:])))
    assert (fleet.known.warming, fleet.known.reals[A].warming, fleet.weights[A]) == (0, None, 0)


def test_a_weight_that_was_0_by_the_config_is_given_slowly_too() -> None:
    fleet = warm()
    config = balancer(WEB, COUNT, slow_start=30.0)
    fleet.configure(replace(config, reals=(replace(config.reals[0], weight=0), *config.reals[1:])))
    assert fleet.weights[A] == 0
    fleet.configure(config)
    assert fleet.weights[A] == 100


@pytest.mark.parametrize("weight", [0, 1])
def test_a_weight_that_cannot_be_divided_is_given_whole(weight: int) -> None:
    fleet = warm()
    config = balancer(WEB, COUNT, slow_start=30.0)
    fleet.configure(replace(config, reals=(replace(config.reals[0], weight=weight), *config.reals[1:])))
    fleet.becomes(A, healthy=False)
    fleet.becomes(A, healthy=True)
    assert fleet.weights[A] == weight


def without_weight(fleet: Fleet, *reals: RealId) -> None:
    fleet.happens(*(WeightOverridden(service=WEB, real=real, who="kim", weight=0) for real in reals))


def test_who_is_up_at_weight_0_carries_nothing_so_one_that_comes_back_beside_it_has_its_whole_weight() -> None:
    fleet = warm(when_all_down="fail_closed")
    without_weight(fleet, A)
    fleet.becomes(B, C, D, healthy=False)
    fleet.becomes(B, healthy=True)
    assert fleet.weights == {A: 0, B: 1000, C: 0, D: 0}


def test_who_is_forced_up_at_weight_0_carries_nothing_either() -> None:
    fleet = warm(when_all_down="fail_closed")
    fleet.becomes(A, B, C, D, healthy=False)
    fleet.happens(WeightOverridden(service=WEB, real=A, who="kim", weight=0, force_up=True))
    fleet.becomes(B, healthy=True)
    assert fleet.weights == {A: 0, B: 1000, C: 0, D: 0}


def test_when_the_last_who_carries_gets_weight_0_every_slow_start_ends() -> None:
    fleet = warm()
    fleet.becomes(A, healthy=False)
    fleet.becomes(A, healthy=True)
    fleet.step()
    fleet.becomes(B, healthy=False)
    fleet.becomes(B, healthy=True)
    assert fleet.weights == {A: 200, B: 100, C: 1000, D: 1000}
    without_weight(fleet, C, D)
    assert fleet.weights == {A: 1000, B: 1000, C: 0, D: 0}, "else A had twice what B has, of everything"


Happening = tuple[Literal["up", "down", "drain", "restore", "step"], tuple[int, ...]]
HAPPENINGS: st.SearchStrategy[list[Happening]] = st.lists(
    st.tuples(
        st.sampled_from(("up", "up", "down", "drain", "restore", "step")),
        st.sets(st.integers(0, COUNT - 1), min_size=1).map(tuple),
    ),
    max_size=40,
)


def take(fleet: Fleet, what: str, reals: Sequence[RealId]) -> None:
    match what:
        case "up" | "down":
            fleet.becomes(*reals, healthy=what == "up")
        case "drain":
            fleet.happens(*(RealDrained(service=WEB, real=real, who="kim") for real in reals))
        case "restore":
            fleet.happens(*(RealRestored(service=WEB, real=real, who="kim") for real in reals))
        case _:
            fleet.step()


@given(HAPPENINGS, st.sampled_from([0.0, 0.5]))
def test_what_holds_whatever_happens(happenings: list[Happening], below: float) -> None:
    fleet = warm(fail_open_below=below)
    before: dict[RealId, int | None] = {}
    for what, numbers in happenings:
        take(fleet, what, [real_id(number) for number in numbers])
        for name, real in fleet.known.reals.items():
            serves = real.healthy and real.in_rotation
            assert real.weight is not None
            if serves:
                assert real.weight > 0, "who is up has a weight"
                assert real.weight >= (before.get(name) or 0), "while it is up, it only grows"
                assert real.weight == 100 * real.tenths
            before[name] = real.weight if serves else None
        up = [real for real in fleet.known.reals.values() if real.healthy and real.in_rotation]
        assert not up or any(real.weight == 1000 for real in up), "somebody carries the rest"
        assert fleet.known.warming == sum(real.warming is not None for real in fleet.known.reals.values())
    for _ in range(WHOLE):
        fleet.step()
    assert all(real.weight == 1000 for real in fleet.known.reals.values() if real.healthy and real.in_rotation)
