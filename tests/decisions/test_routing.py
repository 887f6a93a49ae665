"""Which routes may be announced: KgLb's rules by their ids (CONFORMANCE section E), and the one that is ours."""

import pytest

from kglb.decisions import Candidate, decide_routes, may_announce, routes
from kglb.events import Mode
from kglb.model import Route


def route(prefix: str) -> Route:
    return Route(prefix=prefix, communities=("10000:10000",))


R1, R2 = route("172.0.0.1/32"), route("172.0.0.2/32")
OTHER = route("169.0.0.1/32")


@pytest.mark.parametrize(
    ("allowed", "prohibited", "announced"),
    [
        pytest.param([], [], (), id="E1"),
        pytest.param([R1, R2], [], (R1, R2), id="E2"),
        pytest.param([R1, R2], [R2], (R1,), id="E3"),
        pytest.param([R1, R2], [route("172.0.0.0/24")], (), id="E4"),
        pytest.param([R1, R1, R2], [], (R1, R2), id="E5"),
        pytest.param([R1, R1, R2], [R1, R2], (), id="E7"),
        pytest.param(
            [route("172.0.0.0/24")], [R1], (route("172.0.0.0/24"),), id="a narrower prohibition blocks nothing"
        ),
        pytest.param([route("fd00::1/128")], [route("fd00::/64")], (), id="IPv6"),
        pytest.param([R1], [route("::/0")], (R1,), id="of the other family"),
    ],
)
def test_a_prohibited_prefix_wins_over_an_allowed_one(
    allowed: list[Route], prohibited: list[Route], announced: tuple[Route, ...]
) -> None:
    assert routes(allowed, prohibited) == announced


def candidate(
    of: Route = R1,
    alive: int = 1,
    *,
    total: int = 1,
    min_alive: float = 0.0,
    to_announce: float = 0.0,
    mode: Mode | None = "available",
) -> Candidate:
    return Candidate(
        route=of, min_alive=min_alive, min_alive_to_announce=to_announce, mode=mode, alive=alive, total=total
    )


def three(first: Candidate) -> list[Candidate]:
    """Two balancers on one VIP, one on another."""
    return [first, candidate(R1), candidate(OTHER)]


@pytest.mark.parametrize(
    ("first", "announced"),
    [
        pytest.param(candidate(min_alive=0.9), (R1, OTHER), id="E8"),
        pytest.param(candidate(alive=0, total=0, min_alive=0.9, mode="initial"), (OTHER,), id="E9"),
        pytest.param(candidate(alive=0, min_alive=0.9, mode="unavailable"), (OTHER,), id="E10"),
    ],
)
def test_one_balancer_withholds_the_route_from_all_that_share_it(
    first: Candidate, announced: tuple[Route, ...]
) -> None:
    assert decide_routes(three(first), announced=()) == announced


@pytest.mark.parametrize(
    ("mode", "alive", "total"),
    [("initial", 0, 0), ("initial", 1, 1), ("no_upstreams", 0, 0)],
)
def test_e11_a_balancer_without_reals_or_an_initial_one_announces_nothing(mode: Mode, alive: int, total: int) -> None:
    assert not may_announce(candidate(alive=alive, total=total, mode=mode), announced=())


@pytest.mark.parametrize(
    ("mode", "alive", "allows"),
    [
        ("available", 9, True),
        ("available", 8, False),
        ("failsafe", 0, True),
        ("unavailable", 0, False),
        ("shutdown", 10, False),
        (None, 10, False),
    ],
)
def test_the_ratio_is_reached_inclusively_and_failsafe_counts_as_all(
    mode: Mode | None, alive: int, allows: bool
) -> None:
    for announced in ((), (R1.prefix,)):
        assert may_announce(candidate(alive=alive, total=10, min_alive=0.9, mode=mode), announced) is allows


def test_whatever_the_ratio_nothing_alive_announces_nothing() -> None:
    assert not may_announce(candidate(alive=0, total=3, min_alive=0.0, mode="unavailable"), (R1.prefix,))


def test_a_new_balancer_takes_away_no_route_that_is_announced() -> None:
    new = candidate(alive=0, min_alive=0.5, mode="initial")
    assert decide_routes([candidate(R1), new], announced=()) == ()
    assert decide_routes([candidate(R1), new], announced=(R1.prefix,)) == (R1,)
    assert decide_routes([new], announced=(R1.prefix,)) == ()


@pytest.mark.parametrize(
    ("alive", "stays", "comes"),
    [(4, False, False), (5, True, False), (7, True, False), (8, True, True), (10, True, True)],
)
def test_between_its_two_lines_a_route_stays_what_it_is(alive: int, stays: bool, comes: bool) -> None:
    of = candidate(alive=alive, total=10, min_alive=0.5, to_announce=0.8)
    assert may_announce(of, announced=(R1.prefix,)) is stays
    assert may_announce(of, announced=(OTHER.prefix,)) is comes
    assert decide_routes([of], announced=(R1.prefix,)) == ((R1,) if stays else ())
    assert decide_routes([of], announced=()) == ((R1,) if comes else ())


def test_failsafe_reaches_every_line() -> None:
    assert may_announce(candidate(alive=0, total=10, min_alive=0.5, to_announce=1.0, mode="failsafe"), announced=())


def test_the_higher_line_is_never_below_the_lower_one() -> None:
    assert not may_announce(candidate(alive=4, total=10, min_alive=0.5, to_announce=0.1), announced=())


def test_a_route_that_two_share_comes_back_when_both_reach_their_higher_line() -> None:
    between = candidate(alive=6, total=10, min_alive=0.5, to_announce=0.8)
    well = candidate(alive=9, total=10, min_alive=0.5, to_announce=0.8)
    failing = candidate(alive=4, total=10, min_alive=0.5, to_announce=0.8)
    assert decide_routes([between, well], announced=(R1.prefix,)) == (R1,)
    assert decide_routes([between, failing], announced=(R1.prefix,)) == ()
    assert decide_routes([between, well], announced=()) == ()
    assert decide_routes([well, well], announced=()) == (R1,)
