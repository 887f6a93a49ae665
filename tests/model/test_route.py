"""Routes, the prefixes that cover each other, and the keys by which services are known."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.model import Announce, Prefixes, Route, parse_service
from tests.projections.builders import WEB, balancer


def test_the_route_of_a_balancer_is_its_vip_alone_unless_the_config_names_a_prefix() -> None:
    assert balancer(WEB).route is None
    assert balancer(WEB, announce=Announce(hold_time=7.0, med=1)).route == Route(
        prefix="192.168.100.10/32", hold_time=7.0, med=1
    )
    wide = balancer(WEB, announce=Announce(prefix="192.168.100.0/24")).route
    assert wide is not None
    assert wide.prefix == "192.168.100.0/24"


networks = st.one_of(
    st.builds(
        lambda address, length: ipaddress.ip_network((address, length), strict=False),
        st.integers(0, 2**32 - 1),
        st.integers(0, 32),
    ),
    st.builds(
        lambda address, length: ipaddress.ip_network((address, length), strict=False),
        st.integers(2**32, 2**128 - 1),
        st.integers(0, 128),
    ),
)


@given(st.lists(networks, max_size=8), networks)
def test_the_longest_prefix_that_contains_another_covers_it(
    members: list[ipaddress.IPv4Network | ipaddress.IPv6Network],
    asked: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> None:
    containing = [
        member
        for member in members
        if member.version == asked.version and member.prefixlen <= asked.prefixlen and asked.network_address in member
    ]
    longest = max(containing, key=lambda member: member.prefixlen, default="")
    assert Prefixes(map(str, members)).covering(str(asked)) == str(longest)


@pytest.mark.parametrize(
    ("text", "kglb"),
    [
        ("tcp://172.0.0.1:443", "172.0.0.1:443-tcp"),
        ("tcp://[::1]:443", "::1:443-tcp"),
        ("udp://127.0.0.1:80", "127.0.0.1:80-udp"),
        ("fwmark://1010", "fwmark:1010:v4"),
    ],
)
def test_e17_every_service_that_kglb_tells_apart_has_a_key_of_its_own(text: str, kglb: str) -> None:
    assert parse_service(text).id == text, f"KgLb: {kglb}"
