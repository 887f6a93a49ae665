"""Routes, and the prefixes that cover each other."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from kglb.model import Announce, Prefixes, Route
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
