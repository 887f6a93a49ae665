"""Section E: what KgLb's servicer makes of all balancers together, where no other test has the case."""

import pytest

from kglb.model import parse_service
from tests.config.foreign.configs import BASE, accepted


def test_e12_without_attributes_of_a_route_a_balancer_works_and_announces_nothing() -> None:
    (balancer,) = accepted(BASE).config.balancers
    assert balancer.announce is None
    assert str(balancer.address) == "172.0.0.1/32 on lo"


@pytest.mark.parametrize(
    ("kglbs", "ours"),
    [
        ("172.0.0.1:443-tcp", "tcp://172.0.0.1:443"),
        ("::1:443-tcp", "tcp://[::1]:443"),
        ("127.0.0.1:80-udp", "udp://127.0.0.1:80"),
        ("fwmark:1010:v4", "fwmark://1010"),
    ],
)
def test_e17_a_service_is_known_by_its_address_and_protocol(kglbs: str, ours: str) -> None:
    assert parse_service(ours).id == ours
