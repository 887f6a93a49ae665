"""A request from the client reaches every real in every way in which IPVS forwards, in both families."""

from collections.abc import Iterator

import pytest

from lab import forwarding
from lab.client import Client
from lab.namespaces import command, in_namespace
from lab.net import Network
from lab.reals import Reals

FAMILIES = ("IPv4", "IPv6")


@pytest.fixture(scope="module")
def plain() -> Iterator[Network]:
    """Reals that only answer for their own addresses."""
    with Network(reals=2) as network, Reals(network):
        network.add_vip()
        yield network


@pytest.fixture(scope="module")
def direct() -> Iterator[Network]:
    """Reals that hold the VIPs."""
    with Network(reals=2, prefix="direct") as network, Reals(network):
        network.add_vip()
        forwarding.direct(network)
        yield network


@pytest.fixture(scope="module")
def tunnelled() -> Iterator[Network]:
    """Reals that hold the VIPs and take every encapsulation."""
    with Network(reals=2, prefix="tunnelled") as network, Reals(network):
        network.add_vip()
        forwarding.tunnel(network, encapsulation="gue")
        yield network


def assert_reaches_every_real(network: Network, vip_family: str, real_family: str, *forward: str) -> None:
    vip = network.vip if vip_family == "IPv4" else network.vip6
    service = f"[{vip}]:80" if vip_family == "IPv6" else f"{vip}:80"
    with in_namespace(network.director):
        command("ipvsadm", "-C")
        command("ipvsadm", "-A", "-t", service, "-s", "rr")
        for real in network.reals:
            address = real.address if real_family == "IPv4" else f"[{real.address6}]"
            command("ipvsadm", "-a", "-t", service, "-r", f"{address}:80", *forward)
    with Client(network.client, vip) as client:
        client.wait(4)
    assert client.failures() == []
    assert set(client.answered()) == {"real0", "real1"}


@pytest.mark.parametrize("family", FAMILIES)
def test_masquerading(plain: Network, family: str) -> None:
    assert_reaches_every_real(plain, family, family, "-m")


@pytest.mark.parametrize("family", FAMILIES)
def test_direct_routing(direct: Network, family: str) -> None:
    assert_reaches_every_real(direct, family, family, "-g")


@pytest.mark.parametrize("outer", FAMILIES)
@pytest.mark.parametrize("inner", FAMILIES)
@pytest.mark.parametrize(
    "tunnel", ["--tun-type ipip", "--tun-type gre", f"--tun-type gue --tun-port {forwarding.GUE_PORT}"]
)
def test_tunnels(tunnelled: Network, tunnel: str, inner: str, outer: str) -> None:
    assert_reaches_every_real(tunnelled, inner, outer, "-i", *tunnel.split())
