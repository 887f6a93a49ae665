"""Which mark a way gets, which marks a balancer gives back, and where a marked check connects to."""

import pytest

from kglb.decisions import Marked, checked_at, choose_mark, mark_changes
from kglb.model import Endpoint, Forward, RealId, ServiceKey, Way

OURS = range(10, 12)
FIRST, SECOND = Way("10.0.0.1", Forward(), False), Way("10.0.0.2", Forward(), False)
A, B = RealId("10.0.0.1:80"), RealId("10.0.0.2:80")


class Marks:
    """A pool in which the ways have these marks, the kernel knew those, and some are free."""

    def __init__(
        self, held: dict[Way, int] | None = None, in_kernel: dict[Way, int] | None = None, free: tuple[int, ...] = ()
    ) -> None:
        self.held, self.in_kernel, self._free = held or {}, in_kernel or {}, free

    def mark_of(self, way: Way) -> int | None:
        return self.held.get(way)

    def found(self, way: Way) -> int | None:
        return self.in_kernel.get(way)

    def free(self) -> tuple[int, ...]:
        return self._free


def test_a_way_gets_the_mark_that_has_been_free_for_longest() -> None:
    assert choose_mark(FIRST, Marks(free=(11, 10))) == 11


def test_d4_a_way_keeps_its_mark_whoever_asks() -> None:
    assert choose_mark(FIRST, Marks(held={FIRST: 10}, free=(11,))) == 10


def test_what_the_kernel_has_already_is_taken_up() -> None:
    assert choose_mark(FIRST, Marks(in_kernel={FIRST: 11}, free=(10, 11))) == 11


def test_d7_without_a_free_mark_there_is_none() -> None:
    assert choose_mark(SECOND, Marks(held={FIRST: 10})) is None


def test_reals_that_stay_as_they_are_keep_their_marks() -> None:
    assert mark_changes({A: Marked(10, FIRST)}, {A: FIRST}, OURS) == ((), ())


def test_a_real_that_left_gives_its_mark_back_and_one_that_came_lacks_one() -> None:
    assert mark_changes({A: Marked(10, FIRST)}, {B: SECOND}, OURS) == ((A,), (B,))


def test_a_real_that_is_reached_otherwise_changes_its_mark() -> None:
    tunnelled = Way(FIRST.address, Forward("tunnel"), False)
    assert mark_changes({A: Marked(10, FIRST)}, {A: tunnelled}, OURS) == ((A,), (A,))


def test_a_mark_that_is_not_ours_any_more_is_given_back() -> None:
    assert mark_changes({A: Marked(99, FIRST)}, {A: FIRST}, OURS) == ((A,), (A,))


@pytest.mark.parametrize(
    ("service_port", "real_port", "forward", "asked"),
    [
        (80, 80, Forward(), 80),
        (80, 8080, Forward(), 8080),
        (80, 8080, Forward("direct"), 80),
        (80, 0, Forward("tunnel"), 80),
        (0, 8080, Forward("tunnel", "gue", 6080), 8080),
    ],
)
def test_d14_a_marked_check_connects_to_the_vip_at_the_port_that_reaches_the_real(
    service_port: int, real_port: int, forward: Forward, asked: int
) -> None:
    service = ServiceKey("tcp", "192.0.2.1", service_port)
    assert checked_at(service, Endpoint("10.0.0.1", real_port), forward) == Endpoint("192.0.2.1", asked)
