"""Which weights in the kernel the journal does not account for, and whose reals are presumed healthy for them."""

import pytest

from kglb.decisions import unaccounted
from kglb.events import Entry, Unaccounted
from kglb.model import Destination, RealId, Service
from kglb.projections import RealState
from kglb.projections.reals import Drain, Leaving, Orders, Override
from tests.projections.builders import WEB, real, real_id

A = real_id(0)


def known(*, assigned: int = 1000, **more: object) -> RealState:
    """A real that the journal knows as down."""
    facts: dict[str, object] = {"healthy": False, "weight": 0} | more
    return RealState(real=A, entry=real(0, weight=assigned), health_seq=1, **facts)  # type: ignore[arg-type]


def presumed(kernel: int, actual: int | None, desired: int | None, remembered: RealState | None) -> bool:
    """Whether the real is presumed healthy where it has these weights; None: there is no such destination."""

    def held(weight: int | None) -> dict[RealId, Destination]:
        return {} if weight is None else {A: Destination(real=A, weight=weight)}

    found = [Entry(Service(id=WEB), tuple(held(kernel).values()))]
    said = unaccounted(found, {WEB: held(actual)}, {WEB: held(desired)}, lambda service, name: remembered)
    assert said in ((), (Unaccounted(WEB, A),))
    return bool(said)


@pytest.mark.parametrize("nothing", [0, None])
def test_a_weight_that_the_journal_has_nowhere_is_not_accounted_for(nothing: int | None) -> None:
    assert presumed(500, nothing, nothing, known())
    assert unaccounted([Entry(Service(id=WEB), (Destination(real=A, weight=1),))], {}, {}, lambda *_: known())


def test_a_weight_of_0_that_was_decided_and_not_done_is_still_to_be_done() -> None:
    assert not presumed(1000, 1000, 0, known())


def test_a_weight_that_was_decided_and_whose_record_was_lost_is_accounted_for() -> None:
    assert not presumed(1000, 0, 1000, known(weight=1000))


def test_without_a_weight_in_the_kernel_there_is_nothing_to_account_for() -> None:
    assert not presumed(0, 0, 0, known())
    assert not presumed(0, 1000, 1000, known())


def test_a_real_that_the_journal_does_not_know_is_presumed_what_it_is_when_it_is_added() -> None:
    assert not presumed(1000, None, None, None)


@pytest.mark.parametrize(
    "remembered",
    [
        known(orders=Orders(drain=Drain(seq=1, who="root"))),
        known(leaving=Leaving(seq=1, until=0.0)),
        known(orders=Orders(override=Override(seq=1, weight=0, who="root"))),
        known(assigned=0),
    ],
    ids=["drained", "leaving", "0 by order", "0 by config"],
)
def test_who_has_weight_0_for_another_reason_than_health_is_not_presumed_anything(remembered: RealState) -> None:
    assert not presumed(1000, 0, 0, remembered)


def test_an_order_for_a_weight_counts_more_than_a_0_in_the_config() -> None:
    ordered = Orders(override=Override(seq=1, weight=7, who="root"))
    assert presumed(7, 0, 0, known(assigned=0, orders=ordered))


def test_a_weight_of_0_that_a_check_once_said_is_older_than_the_kernel() -> None:
    assert presumed(50, 0, 0, known(healthy=True, reported=0))


def test_a_healthy_real_keeps_its_streak() -> None:
    assert not presumed(1000, 0, 0, known(healthy=True))
