"""Which tunnels are too narrow for what clients send?"""

import pytest
from msgspec.structs import replace

from kglb.dataplane.routes import Route
from kglb.doctor.diagnose import diagnose
from kglb.doctor.facts import Facts, Link
from kglb.doctor.tunnels import overhead
from kglb.model import Forward
from tests.doctor.machines import configured, found, networked, set_to

VIP6 = "tcp://[2001:db8::10]:80"


def tunnelled(route: Route, service: str = "tcp://192.168.100.10:80", forward: str = '"tunnel"') -> Facts:
    """One real, behind a tunnel that takes the route."""
    address = "fd00::1" if ":" in route.source else "10.0.0.1"
    real = f"[{address}]:80" if ":" in address else f"{address}:80"
    return replace(configured(f"forward = {forward}", service=service, reals=(real,)), routes={address: route})


IPV4 = Route("eth0", "192.168.100.2")
IPV6 = Route("eth0", "fd00::2")


@pytest.mark.parametrize(
    ("tunnel", "port", "checksum", "taken"),
    [
        ("ipip", 0, "none", 20),
        ("gre", 0, "none", 24),
        ("gre", 0, "csum", 28),
        ("gue", 6080, "none", 32),
        ("gue", 6080, "csum", 32),
        ("gue", 6080, "remcsum", 40),
    ],
)
def test_what_the_headers_take_is_what_the_kernel_reckons_with(
    tunnel: str, port: int, checksum: str, taken: int
) -> None:
    forward = Forward(method="tunnel", tunnel=tunnel, port=port, checksum=checksum)  # type: ignore[arg-type]
    assert overhead(forward, ipv6=False) == taken
    assert overhead(forward, ipv6=True) == taken + 20


def test_large_packets_that_do_not_fit_are_a_note_with_the_mss_that_does() -> None:
    finding = found(tunnelled(IPV4))
    assert finding.level == "note"
    assert finding.what == "IPv4 packets of more than 1480 bytes do not fit into the tunnel (ipip) to 10.0.0.1"
    assert finding.advice.startswith("set `advmss 1440` on the reals' routes to clients, or an MTU of 1520 on eth0")


def test_of_mixed_families_the_outer_takes_room_and_the_inner_makes_the_mss() -> None:
    assert "more than 1460 bytes" in found(tunnelled(IPV6)).what
    assert found(tunnelled(IPV6)).advice.startswith("set `advmss 1420`")
    assert "more than 1480 bytes" in found(tunnelled(IPV4, VIP6)).what
    assert found(tunnelled(IPV4, VIP6)).advice.startswith("set `advmss 1420`")


def test_a_link_that_takes_more_leaves_room() -> None:
    assert diagnose(networked(tunnelled(IPV4), links={"lo": Link(), "eth0": Link(mtu=1520)})) == []
    assert diagnose(networked(tunnelled(IPV6), links={"lo": Link(), "eth0": Link(mtu=9000, mtu6=1540)})) == []


def test_the_routes_own_mtu_goes_before_the_links() -> None:
    assert diagnose(tunnelled(IPV4._replace(mtu=1520))) == []
    assert "more than 1380 bytes" in found(tunnelled(IPV4._replace(mtu=1400))).what


def test_clients_send_no_more_than_the_interface_to_them_takes() -> None:
    links = {"lo": Link(), "eth0": Link(mtu=1400), "eth1": Link(mtu=1420)}
    facts = networked(tunnelled(IPV4._replace(interface="eth1")), links=links)
    assert diagnose(facts) == []
    assert "more than 1400 bytes" in found(replace(facts, default_routes=())).what


def test_ipv4_that_is_fragmented_gets_through_and_ipv6_never_is() -> None:
    assert diagnose(set_to(tunnelled(IPV4), pmtu_disc=0)) == []
    assert diagnose(set_to(tunnelled(IPV6), pmtu_disc=0)) == []
    assert found(set_to(tunnelled(IPV4, VIP6), pmtu_disc=0)).level == "note"


def test_less_than_ipv6_needs_is_a_problem() -> None:
    everything = found(tunnelled(IPV6._replace(mtu=1319)))
    assert (everything.level, everything.why) == ("problem", "IPVS drops everything")
    assert everything.advice.startswith("set an MTU of at least 1320 on eth0")
    assert found(tunnelled(IPV6._replace(mtu=1320))).level == "note"
    larger = found(tunnelled(IPV4._replace(mtu=1299), VIP6))
    assert (larger.level, larger.why) == ("problem", "clients cannot send less, and all larger packets are lost")
    assert found(tunnelled(IPV4._replace(mtu=1299))).level == "note"


def test_reals_of_a_kind_are_said_once_and_those_here_not_at_all() -> None:
    facts = replace(configured('forward = "tunnel"'), routes=dict.fromkeys(("10.0.0.1", "10.0.0.2"), IPV4))
    assert found(facts).what.endswith("to 10.0.0.1, 10.0.0.2")
    here = dict.fromkeys(facts.routes, Route("lo", "10.0.0.1", mtu=1400, local=True))
    assert [finding.what for finding in diagnose(replace(facts, routes=here))] == [
        "10.0.0.1, 10.0.0.2 is an address of this machine"
    ]
