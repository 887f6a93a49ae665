"""Nobody stops serving before somebody who is to serve does, whatever the kernel refuses."""

from collections.abc import Mapping
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from kglb.model import Destination, RealId, Service
from kglb.model.operations import describe, entry_of
from kglb.projections import Dirty, Holding, Planned, Serving, State, plan, successors
from tests.projections.builders import WEB, added, applied, balancer, real_id, started

A, B, C = REALS = tuple(real_id(number) for number in range(3))

Weights = Mapping[RealId, int]


def destinations(weights: Weights) -> dict[RealId, Destination]:
    return {real: Destination(real=real, weight=weight) for real, weight in weights.items()}


def holding(weights: Weights) -> Holding:
    return Holding(services={WEB: Service(id=WEB, scheduler="wrr")}, destinations={WEB: destinations(weights)})


def planned(
    actual: Holding, desired: Holding, *, banned: tuple[RealId, ...] = (), unsure: set[RealId] | None = None
) -> list[Planned]:
    dirty = Dirty()
    for real in REALS:
        dirty.mark_destination(WEB, real, 1)
    serving = Serving(is_banned=lambda _, real: real in banned, unsure={WEB: unsure or set()})
    return plan(actual, desired, dirty, serving)


def waiting(actual: Weights, desired: Weights, **more: object) -> list[str]:
    steps = planned(holding(actual), holding(desired), **more)  # type: ignore[arg-type]
    return [describe(step.operation).removeprefix(f"{WEB}: ") for step in steps if step.waits]


def test_the_last_that_serves_waits_for_the_one_that_takes_over() -> None:
    assert waiting({A: 100, B: 0}, {A: 0, B: 100}) == [f"{A} by masquerade, weight 0"]
    assert successors(destinations({A: 100, B: 0}), destinations({A: 0, B: 100})) == [B]


def test_so_does_one_that_is_to_be_deleted() -> None:
    assert waiting({A: 100}, {B: 100}) == [f"delete {A}"]


def test_one_that_is_to_serve_and_does_is_enough() -> None:
    assert waiting({A: 100, B: 1, C: 0}, {A: 0, B: 50, C: 100}) == []


def test_nobody_waits_where_nobody_is_meant_to_serve() -> None:
    assert waiting({A: 100, B: 100}, {A: 0}) == []


def test_what_does_not_end_a_service_does_not_wait() -> None:
    assert waiting({A: 100, B: 0, C: 0}, {A: 1, B: 0}) == []


def test_a_real_that_is_banned_does_not_wait() -> None:
    assert waiting({A: 100, B: 0}, {A: 0, B: 100}, banned=(A,)) == []


def test_one_of_which_an_answer_was_lost_vouches_for_nobody() -> None:
    assert waiting({A: 100, B: 100}, {A: 0, B: 100}, unsure={B}) == [f"{A} by masquerade, weight 0"]


def test_under_fail_closed_only_a_real_that_is_down_is_banned() -> None:
    state = State()
    state.fold(1, started())
    state.fold(2, applied(balancer(when_all_down="fail_closed")))
    state.fold(3, added(WEB, 0))
    state.fold(4, added(WEB, 1, healthy=True))
    assert [state.fleet.is_banned(WEB, real) for real in (A, B, C)] == [True, False, False]


class Kernel:
    """Refuses and loses answers as a random source says; ``known`` is what can be believed of it."""

    def __init__(self, before: Weights, random: Random) -> None:
        self.random = random
        self.truth, self.known = holding(before), holding(before)
        self.unsure: set[RealId] = set()

    @property
    def serves(self) -> bool:
        return any(one.weight for one in self.truth.destinations[WEB].values())

    def ask(self, step: Planned) -> None:
        real = next(real for real in REALS if real in entry_of(step.operation))
        answer = self.random.choice(("done", "refused", "done, and lost", "not done, and lost"))
        if answer.startswith("done"):
            self.truth.perform(step.operation)
        if answer == "done":
            self.known.perform(step.operation)
            self.unsure.discard(real)
        elif answer.endswith("lost"):
            self.unsure.add(real)

    def is_read_back(self) -> None:
        self.known = holding({real: one.weight for real, one in self.truth.destinations[WEB].items()})
        self.unsure.clear()


weights = st.dictionaries(st.sampled_from(REALS), st.integers(0, 2))


@given(weights, st.lists(weights.filter(lambda wanted: any(wanted.values())), max_size=8), st.randoms())
def test_whatever_the_kernel_refuses_or_loses_a_service_that_serves_goes_on_serving(
    before: Weights, wishes: list[Weights], random: Random
) -> None:
    kernel = Kernel(before, random)
    serves = kernel.serves
    for wanted in wishes:
        for step in planned(kernel.known, holding(wanted), unsure=kernel.unsure):
            if not step.waits:
                kernel.ask(step)
                assert kernel.serves >= serves
        serves = kernel.serves
        if random.random() < 0.3:
            kernel.is_read_back()


@given(weights, weights)
def test_a_kernel_that_takes_everything_has_it_all_after_two_plans(before: Weights, after: Weights) -> None:
    actual, desired = holding(before), holding(after)
    for _ in range(2):
        for step in planned(actual, desired):
            if not step.waits:
                actual.perform(step.operation)
    assert actual.destinations == desired.destinations
