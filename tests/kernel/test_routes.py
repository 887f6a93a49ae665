"""Where the director sends packets to its reals, and from which address."""

from kglb.dataplane.routes import Route, Routes
from lab.namespaces import in_namespace, ip
from lab.net import Network


def test_packets_to_a_real_leave_by_the_segment_from_the_directors_own_address(network: Network) -> None:
    with in_namespace(network.director):
        routes = Routes()
        first = network.reals[0]
        assert routes.to(first.address) == Route("lan", "10.2.0.1")
        assert routes.to(first.address6) == Route("lan", "fd00:2::1")
        assert routes.to(network.vip) == Route("lo", network.vip, local=True)
        assert routes.to("203.0.113.1") is None, "the director has no default route"
        assert routes.to(first.address) == Route("lan", "10.2.0.1"), "and goes on after that"
        routes.close()


def test_a_route_has_its_router_and_its_own_mtu(network: Network) -> None:
    with in_namespace(network.director):
        ip("route add 192.0.2.0/24 via 10.2.0.10 mtu 1400", "route add 198.51.100.0/24 via inet6 fd00:2::a")
        ip("route add 2001:db8::/32 via fd00:2::a mtu 1300", family="-6")
        routes = Routes()
        assert routes.to("192.0.2.1") == Route("lan", "10.2.0.1", gateway="10.2.0.10", mtu=1400)
        assert routes.to("198.51.100.1") == Route("lan", "10.1.0.1", gateway="fd00:2::a")
        assert routes.to("2001:db8::1") == Route("lan", "fd00:2::1", gateway="fd00:2::a", mtu=1300)
        routes.close()
