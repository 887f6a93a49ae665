import pytest
from msgspec.structs import replace

from kglb.events import (
    HealthChanged,
    PoolAnswered,
    PoolFailed,
    RealDrained,
    RealRemoved,
    ResolutionFailed,
    RouteAnnounced,
    RoutesDecided,
    WarmthChanged,
)
from kglb.model import Announce, ChangeDestination, DeleteDestination, Forward, Member, Pool, Route
from kglb.web.fleet_metrics import fleet_families
from tests.projections.builders import DNS, WEB, added, applied, balancer, real_id, started
from tests.web.builders import Fleet, Reading, backed_fleet, destination, read, web_fleet

WEB_LABELS = {"balancer": "web", "service": WEB}


def reading(fleet: Fleet) -> Reading:
    return read(fleet_families(fleet.state))


def test_without_balancers_there_are_no_series() -> None:
    assert reading(Fleet()).samples == {}


def test_a_balancer_counts_its_reals_and_those_alive() -> None:
    fleet = web_fleet(4)
    fleet.record(HealthChanged(service=WEB, real=real_id(0), healthy=False, streak=-2, run=0))
    found = reading(fleet)
    assert found.value("kglb_balancer_reals", **WEB_LABELS) == 4
    assert found.value("kglb_balancer_alive_reals", **WEB_LABELS) == 3
    assert found.value("kglb_balancer_alive_ratio", **WEB_LABELS) == 0.75


def test_a_drained_real_is_in_no_count_and_said_to_be_out_of_rotation() -> None:
    fleet = web_fleet(4)
    fleet.record(RealDrained(service=WEB, real=real_id(0), who="kim"))
    found = reading(fleet)
    assert found.value("kglb_balancer_reals", **WEB_LABELS) == 3
    assert found.value("kglb_balancer_alive_ratio", **WEB_LABELS) == 1
    in_rotation = [found.value("kglb_real_in_rotation", real=real_id(number), **WEB_LABELS) for number in range(4)]
    assert in_rotation == [0, 1, 1, 1]


def test_names_without_an_address_are_counted() -> None:
    fleet = web_fleet(2)
    assert reading(fleet).value("kglb_balancer_unresolved_names", **WEB_LABELS) == 0
    fleet.record(ResolutionFailed(service=WEB, host="app1:80", error="NXDOMAIN"))
    fleet.record(ResolutionFailed(service=WEB, host="app2:80", error="NXDOMAIN", keeping="10.0.0.8"))
    assert reading(fleet).value("kglb_balancer_unresolved_names", **WEB_LABELS) == 1


def test_exactly_the_mode_a_balancer_is_in_is_one() -> None:
    fleet = web_fleet(2)
    fleet.decide(WEB, "failsafe", {})
    found = reading(fleet)
    modes = {
        dict(labels)["mode"]: value for (name, labels), value in found.samples.items() if name == "kglb_balancer_mode"
    }
    assert modes == {
        "initial": 0,
        "available": 0,
        "backup": 0,
        "failsafe": 1,
        "unavailable": 0,
        "no_upstreams": 0,
        "shutdown": 0,
    }
    assert found.value("kglb_balancer_alive_ratio", **WEB_LABELS) == 1


@pytest.mark.parametrize(("down", "mode", "alive"), [(False, "available", 1), (True, "backup", 0)])
def test_backups_are_counted_apart_and_while_they_serve_the_ratio_is_one(down: bool, mode: str, alive: int) -> None:
    found = reading(backed_fleet(down=down))
    assert found.value("kglb_balancer_mode", mode=mode, **WEB_LABELS) == 1
    assert found.value("kglb_balancer_reals", **WEB_LABELS) == 1
    assert found.value("kglb_balancer_alive_reals", **WEB_LABELS) == alive
    assert found.value("kglb_balancer_backups", **WEB_LABELS) == 1
    assert found.value("kglb_balancer_alive_backups", **WEB_LABELS) == 1
    assert found.value("kglb_balancer_alive_ratio", **WEB_LABELS) == 1


def test_a_balancer_that_has_not_decided_is_in_no_mode_and_its_reals_have_no_weight() -> None:
    fleet = Fleet()
    fleet.record(started())
    fleet.record(applied(balancer(WEB, 1)))
    fleet.record(added(WEB, 0))
    found = reading(fleet)
    assert sum(v for (name, _), v in found.samples.items() if name == "kglb_balancer_mode") == 0
    assert found.value("kglb_real_weight", real=real_id(0), **WEB_LABELS) is None
    assert found.value("kglb_real_applied_weight", real=real_id(0), **WEB_LABELS) is None
    assert found.value("kglb_real_healthy", real=real_id(0), **WEB_LABELS) == 0


def test_the_decided_weight_and_that_of_the_machine_are_told_apart() -> None:
    fleet = web_fleet(2)
    fleet.decide(WEB, "available", {real_id(0): 0})
    found = reading(fleet)
    assert found.value("kglb_real_weight", real=real_id(0), **WEB_LABELS) == 0
    assert found.value("kglb_real_applied_weight", real=real_id(0), **WEB_LABELS) == 1000
    fleet.apply(ChangeDestination(WEB, destination(0, 0)))
    assert reading(fleet).value("kglb_real_applied_weight", real=real_id(0), **WEB_LABELS) == 0


def test_the_share_of_a_slow_start_is_told_where_there_can_be_one() -> None:
    fleet = web_fleet(2)
    assert reading(fleet).value("kglb_real_slow_start_ratio", real=real_id(0), **WEB_LABELS) is None
    fleet.record(applied(balancer(WEB, 2, slow_start=30.0)))
    fleet.record(WarmthChanged(service=WEB, tenths={real_id(0): 4}, causes={real_id(0): 1}))
    found = reading(fleet)
    assert found.value("kglb_real_slow_start_ratio", real=real_id(0), **WEB_LABELS) == 0.4
    assert found.value("kglb_real_slow_start_ratio", real=real_id(1), **WEB_LABELS) == 1


def test_the_series_of_a_removed_real_disappear() -> None:
    fleet = web_fleet(2)
    fleet.record(RealRemoved(service=WEB, real=real_id(0), host=real_id(0)))
    fleet.apply(DeleteDestination(WEB, real_id(0)))
    found = reading(fleet)
    reals = {dict(labels).get("real") for _, labels in found.samples}
    assert reals == {None, real_id(1)}


def test_the_series_of_a_removed_balancer_disappear() -> None:
    fleet = web_fleet(2)
    fleet.record(applied(balancer(DNS, 0, name="dns")))
    services = {dict(labels)["service"] for _, labels in reading(fleet).samples}
    assert services == {DNS}


def test_a_balancers_name_may_be_anything() -> None:
    name = 'web "front"\n\\'
    found = reading(web_fleet(1, name=name))
    assert found.value("kglb_balancer_reals", balancer=name, service=WEB) == 1


def test_the_fleet_may_change_between_two_lines() -> None:
    fleet = web_fleet(50)
    families = fleet_families(fleet.state)
    for family in families:
        for number, _ in enumerate(family.samples):
            if family.name == "kglb_real_healthy" and number == 10:
                for gone in range(25):
                    fleet.record(RealRemoved(service=WEB, real=real_id(gone), host=real_id(gone)))
                fleet.record(applied(balancer(DNS, 0, name="dns")))
    assert {dict(labels)["service"] for _, labels in reading(fleet).samples} == {DNS}


def test_a_route_is_wanted_and_announced_one_after_the_other() -> None:
    fleet = Fleet()
    fleet.record(started())
    fleet.record(applied(balancer(WEB, 1, announce=Announce())))
    route = Route(prefix="192.168.100.10/32")

    def values() -> tuple[float | None, float | None]:
        found = reading(fleet)
        names = ("kglb_route_wanted", "kglb_route_announced")
        wanted, announced = (found.value(name, prefix=route.prefix) for name in names)
        return wanted, announced

    assert values() == (0, 0)
    fleet.record(RoutesDecided(announce=(route,)))
    assert values() == (1, 0)
    fleet.record(RouteAnnounced(route=route))
    assert values() == (1, 1)


def test_the_setup_and_the_type_of_the_check_are_labels() -> None:
    fleet = Fleet()
    fleet.record(started())
    fleet.record(applied(balancer(WEB, 1, setup='ed"ge')))
    assert reading(fleet).value("kglb_balancer_info", **WEB_LABELS, setup='ed"ge', check="dummy") == 1


def test_a_pool_has_its_members_those_that_it_lacks_and_whether_it_fails() -> None:
    fleet = Fleet()
    fleet.record(started())
    pool = Pool(kind="file", place='/etc/"web".json', weight=1, forward=Forward())
    fleet.record(applied(replace(balancer(WEB), reals=(), pools=(pool,))))
    labels = WEB_LABELS | {"pool": pool.id}
    names = ("kglb_pool_members", "kglb_pool_lacking", "kglb_pool_failing")

    def found() -> list[float | None]:
        read_now = reading(fleet)
        return [read_now.value(name, **labels) for name in names]

    assert found() == [0, 0, 0]
    fleet.record(PoolAnswered(service=WEB, pool=pool.id, members=tuple(Member(real_id(number)) for number in range(3))))
    assert found() == [3, 0, 0]
    fleet.record(PoolAnswered(service=WEB, pool=pool.id, lacking=(real_id(0), real_id(1))))
    fleet.record(PoolFailed(service=WEB, pool=pool.id, error="gone", keeping=3))
    assert found() == [3, 2, 1]
    fleet.record(applied(balancer(WEB)))
    assert found() == [None, None, None]
