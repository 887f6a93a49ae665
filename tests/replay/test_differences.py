"""What differs between two states."""

from kglb.events import DaemonStopping, RouteAnnounced, RoutesDecided
from kglb.model import Route
from kglb.replay.differences import Difference, differences
from kglb.replay.source import Source
from kglb.replay.state_at import state_at
from kglb.replay.view import view
from tests.projections.builders import WEB, applied, balancer, real_id
from tests.replay.journals import Fleet

ROUTE = Route(prefix="192.168.100.10/32", next_hop="10.0.0.1")


def between(fleet: Fleet, before: int, after: int) -> tuple[Difference, ...]:
    source = Source(fleet.builder.directory)
    return differences(view(state_at(source, before)), view(state_at(source, after)))


def test_nothing_differs_from_itself_nor_from_a_longer_streak(fleet: Fleet) -> None:
    last = fleet.builder.seq
    assert between(fleet, last, last) == ()
    fleet.flip(real_id(0), "success", "body")
    fleet.builder.rotate()
    assert [difference.fields for difference in between(fleet, last, fleet.builder.seq)] == [{"reason": ("ok", "body")}]


def test_each_changed_field_has_both_its_values(fleet: Fleet) -> None:
    before = fleet.builder.seq
    fleet.goes(real_id(1), up=False)
    assert [str(difference) for difference in between(fleet, before, fleet.builder.seq)] == [
        f"web {WEB}: alive 3 -> 2",
        "web 10.0.0.2:80: weight 1000 -> 0, kernel weight 1000 -> 0, healthy yes -> no, "
        "outcome success -> failure, reason ok -> refused",
    ]


def test_what_comes_and_goes_is_added_and_removed(fleet: Fleet) -> None:
    before = fleet.builder.seq
    fleet.builder.record(applied(balancer(name="mail", reals=0)))
    fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="cleanup"))
    fleet.apply()
    forth, back = between(fleet, before, fleet.builder.seq), between(fleet, fleet.builder.seq, before)
    gone = next(difference for difference in forth if difference.about == "address")
    assert (gone.change, gone.fields, str(gone)) == ("removed", {}, "192.168.100.10/32 on lo: removed")
    come = next(difference for difference in back if difference.about == "address")
    assert (come.change, str(come)) == ("added", "192.168.100.10/32 on lo: added, wanted yes, in kernel yes, ours yes")


def test_a_route_differs_while_it_is_wanted_and_when_it_is_announced(fleet: Fleet) -> None:
    before = fleet.builder.seq
    decided = fleet.builder.record(RoutesDecided(announce=(ROUTE,)))
    announced = fleet.builder.record(RouteAnnounced(route=ROUTE))
    assert [str(found) for found in between(fleet, before, decided)] == [
        "route 192.168.100.10/32: added, next hop 10.0.0.1, balancers -, wanted yes, announced no"
    ]
    assert [str(found) for found in between(fleet, decided, announced)] == [
        "route 192.168.100.10/32: announced no -> yes"
    ]
