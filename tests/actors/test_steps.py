"""Steps of a plan, sorted."""

import pytest

from kglb.actors.steps import for_the_kernel, routes, takes_away, touched
from kglb.model import (
    AddAddress,
    AddDestination,
    AnnounceRoute,
    ChangeDestination,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Operation,
    Route,
)
from kglb.projections import Planned
from tests.projections.builders import VIP, WEB, real_id

UP, DOWN = Destination(real=real_id(0), weight=5), Destination(real=real_id(0), weight=0)
ROUTE = Route(prefix="192.168.100.10/32")


def test_the_kernel_is_given_neither_routes_nor_what_waits() -> None:
    now = Planned(AddDestination(WEB, UP), 7)
    steps = [
        now,
        Planned(AnnounceRoute(ROUTE), 7),
        Planned(DeleteService(WEB), 7, waits_for=ROUTE.prefix),
        Planned(ChangeDestination(WEB, DOWN), 7, hands_over=True),
    ]
    assert for_the_kernel(steps) == [now]
    assert routes(steps, AnnounceRoute) == {ROUTE.prefix: 7}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (ChangeDestination(WEB, DOWN), True),
        (DeleteDestination(WEB, real_id(0)), True),
        (DeleteService(WEB), True),
        (DeleteAddress(VIP), True),
        (ChangeDestination(WEB, UP), False),
        (AddDestination(WEB, DOWN), False),
        (AddAddress(VIP), False),
    ],
)
def test_what_may_have_served_is_taken_away_by_deletions_and_by_weight_0(operation: Operation, expected: bool) -> None:
    assert takes_away(operation) is expected


def test_of_two_steps_about_the_same_real_the_later_ones_cause_counts() -> None:
    steps = [Planned(ChangeDestination(WEB, UP), 7), Planned(ChangeDestination(WEB, DOWN), 9)]
    assert touched(steps).destinations == {WEB: {real_id(0): 9}}
