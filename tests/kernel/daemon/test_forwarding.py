"""Traffic goes where health says, in every way in which IPVS forwards, in both families."""

import time
from collections.abc import Iterator

import pytest

from lab import forwarding
from lab.client import Client
from lab.net import Network
from lab.reals import Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

FORWARDS = {
    "masquerade": '"masquerade"',
    "direct": '"direct"',
    "ipip": '"tunnel"',
    "gue": f'{{ type = "gue", port = {forwarding.GUE_PORT} }}',
}
VIPS = {
    (method, family): prefix + str(number)
    for family, prefix in (("IPv4", "10.0.0."), ("IPv6", "fd00::"))
    for number, method in enumerate(FORWARDS, 101)
}


@pytest.fixture(scope="module")
def serving(network: Network, servers: Reals, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    """A daemon with a VIP for each method and family."""
    held = [vip for (method, _), vip in VIPS.items() if method != "masquerade"]
    forwarding.tunnel(network, *held, encapsulation="gue")
    with Director(network, tmp_path_factory.mktemp("serving")) as director:
        director.configure(
            *(
                balancer(service_at(vip), reals_of(network, family), forward=FORWARDS[method])
                for (method, family), vip in VIPS.items()
            )
        )
        director.start()
        yield director


def service_at(vip: str) -> str:
    return f"tcp://[{vip}]:80" if ":" in vip else f"tcp://{vip}:80"


def reals_of(network: Network, family: str) -> list[str]:
    reals = network.reals[:2]
    return [f"{real.address}:80" if family == "IPv4" else f"[{real.address6}]:80" for real in reals]


@pytest.mark.parametrize("method", FORWARDS)
@pytest.mark.parametrize("family", ["IPv4", "IPv6"])
def test_traffic_follows_health(serving: Director, network: Network, reals: Reals, method: str, family: str) -> None:
    vip = VIPS[method, family]
    service, (first, second) = service_at(vip), reals_of(network, family)

    with Client(network.client, vip) as client:

        def answering(weights: dict[str, int]) -> set[str]:
            """Who answers once the reals have these weights."""
            serving.wait_weights(service, weights)
            since = time.monotonic()
            until(lambda: len(client.samples(since)) >= 8, "requests")
            assert client.failures(since) == []
            return set(client.answered(since))

        assert answering({first: WEIGHT, second: WEIGHT}) == {"real0", "real1"}
        reals.behave("refuse", network.reals[0])
        assert answering({first: 0, second: WEIGHT}) == {"real1"}
        reals.behave("answer", network.reals[0])
        assert answering({first: WEIGHT, second: WEIGHT}) == {"real0", "real1"}
