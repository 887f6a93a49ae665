"""Whether checks can go through a VIP, from which address, and what is said when they cannot."""

from pathlib import Path

import pytest

from kglb.dataplane.passage import Passage, find_passage, sysctl_reader
from kglb.dataplane.routes import Route
from kglb.model import Forward, Way

OWN, VIP = "10.2.0.1", "192.0.2.1"
REAL, REAL6 = "10.2.0.10", "fd00:2::a"
MASQUERADE, DIRECT, TUNNEL = Forward("masquerade"), Forward("direct"), Forward("tunnel")


class Machine:
    """One route for everybody, and the sysctls of its interface ``eth0``."""

    def __init__(self, directory: Path) -> None:
        self.route: Route | None = Route("eth0", OWN)
        self._sysctls = directory
        for interface in ("all", "eth0"):
            (directory / interface).mkdir()
            self.set(interface, accept_local=0, rp_filter=0)

    def set(self, interface: str, **settings: int) -> None:
        for name, value in settings.items():
            (self._sysctls / interface / name).write_text(f"{value}\n")

    def passage(self, forward: Forward, *, address: str = REAL, ipv6: bool = False, source: str = "") -> Passage:
        way = Way(address, forward, ipv6)
        return find_passage(way, source, {VIP}, lambda _: self.route, sysctl_reader(self._sysctls))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_masqueraded_check_needs_only_the_address_that_the_route_gives(machine: Machine) -> None:
    machine.set("all", rp_filter=1)
    assert machine.passage(MASQUERADE) == Passage(OWN)


def test_a_configured_source_is_taken_as_it_is(machine: Machine) -> None:
    assert machine.passage(MASQUERADE, source="10.2.0.99") == Passage("10.2.0.99")


@pytest.mark.parametrize("route", [None, Route("lo", VIP), Route("eth0", "fd00:2::1")], ids=str)
def test_without_an_address_of_ours_of_the_vips_family_a_source_is_asked_for(
    machine: Machine, route: Route | None
) -> None:
    machine.route = route
    found = machine.passage(TUNNEL)
    assert found.source == ""
    assert "no address of its own" in found.problem
    assert "source" in found.remedy


@pytest.mark.parametrize("forward", [DIRECT, TUNNEL], ids=str)
@pytest.mark.parametrize("where", ["all", "eth0"])
def test_answers_from_the_vip_come_in_where_accept_local_is_set(machine: Machine, forward: Forward, where: str) -> None:
    assert "net.ipv4.conf.eth0.accept_local" in machine.passage(forward).problem
    assert machine.passage(forward).remedy == "sysctl -w net.ipv4.conf.eth0.accept_local=1"
    machine.set(where, accept_local=1)
    assert machine.passage(forward) == Passage(OWN)


@pytest.mark.parametrize(("everywhere", "here", "fits"), [(1, 0, False), (0, 1, False), (1, 2, True), (2, 0, True)])
def test_strict_reverse_path_filtering_is_in_the_way(machine: Machine, everywhere: int, here: int, fits: bool) -> None:
    machine.set("all", accept_local=1, rp_filter=everywhere)
    machine.set("eth0", rp_filter=here)
    found = machine.passage(DIRECT)
    assert (found.problem == "") is fits
    if not fits:
        assert "net.ipv4.conf.eth0.rp_filter" in found.problem
        assert found.remedy == "sysctl -w net.ipv4.conf.eth0.rp_filter=2"


def test_ipv6_asks_no_sysctl(machine: Machine) -> None:
    machine.route = Route("eth0", "fd00:2::1")
    assert machine.passage(DIRECT, address=REAL6, ipv6=True) == Passage("fd00:2::1")
