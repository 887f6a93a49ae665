"""Where the director sends packets to its reals, and from which address."""

from kglb.dataplane.routes import Route, Routes
from lab.namespaces import in_namespace
from lab.net import Network


def test_packets_to_a_real_leave_by_the_segment_from_the_directors_own_address(network: Network) -> None:
    with in_namespace(network.director):
        routes = Routes()
        first = network.reals[0]
        assert routes.to(first.address) == Route("lan", "10.2.0.1")
        assert routes.to(first.address6) == Route("lan", "fd00:2::1")
        assert routes.to(network.vip) == Route("lo", network.vip)
        assert routes.to("203.0.113.1") is None, "the director has no default route"
        assert routes.to(first.address) == Route("lan", "10.2.0.1"), "and goes on after that"
        routes.close()
