"""When do clients' packets not come to a VIP, or not to this machine alone?"""

import pytest

from kglb.doctor.diagnose import diagnose
from kglb.doctor.facts import Facts
from kglb.model import Address
from tests.doctor.machines import WELL, configured, found, networked, set_sysctls

VIP = "2001:db8::10"
SERVICE = f"tcp://[{VIP}]:80"
REALS = ("[fd00::1]:80",)
PROXY = {"net.ipv6.conf.eth0.forwarding": 1, "net.ipv6.conf.eth0.proxy_ndp": 1}


def on_eth0(*addresses: str, service: str = SERVICE, more: str = "", head: str = "") -> Facts:
    facts = configured(more=more, head=head, service=service, reals=REALS)
    return networked(facts, addresses=WELL.network.addresses | {Address(each, "eth0") for each in addresses})


def test_an_ipv6_vip_on_lo_is_found_by_nobody_on_a_segment_with_its_network() -> None:
    finding = found(set_sysctls(on_eth0("2001:db8::2/64"), PROXY))
    assert (finding.level, finding.what) == (
        "note",
        f"the VIP {VIP} is in the network of eth0, but nobody there finds it",
    )
    assert finding.fix == f"sysctl -w net.ipv6.conf.eth0.proxy_ndp=1 && ip -6 neigh replace proxy {VIP} dev eth0"


def test_who_does_not_forward_can_be_no_proxy_so_the_cure_is_another() -> None:
    finding = found(on_eth0("2001:db8::2/64"))
    assert finding.fix == ""
    assert finding.advice.startswith('vip_interface = "eth0" in [data_plane]')


@pytest.mark.parametrize("switch", ["net.ipv6.conf.eth0.proxy_ndp", "net.ipv6.conf.all.proxy_ndp"])
def test_a_proxy_for_it_is_found(switch: str) -> None:
    facts = networked(on_eth0("2001:db8::2/64"), proxied=frozenset({(VIP, "eth0")}))
    forwarding = {"net.ipv6.conf.eth0.forwarding": 1}
    assert found(set_sysctls(facts, forwarding)).level == "note"
    assert diagnose(set_sysctls(facts, {**forwarding, switch: 1})) == []


def test_an_ipv6_vip_of_another_network_or_with_an_announced_route_is_not_asked_for() -> None:
    assert diagnose(on_eth0("2001:db8:1::2/64")) == []
    assert diagnose(on_eth0("2001:db8::2/64", more="announce = {}", head='[bgp]\nengine = "exabgp"\n')) == []


def test_a_vip_on_the_segments_own_interface_is_answered_for() -> None:
    assert diagnose(on_eth0("2001:db8::2/64", head='[data_plane]\nvip_interface = "eth0"\n')) == []


def test_an_ipv6_vip_that_another_machine_answers_for_is_said() -> None:
    facts = networked(on_eth0(), neighbours=frozenset({VIP}))
    assert found(facts).what == f"another machine answers for the VIP {VIP} by neighbour discovery"


def test_a_vip_that_another_machine_had_first_is_a_problem() -> None:
    there = Address(f"{VIP}/128", "eth0")
    facts = on_eth0(f"{VIP}/128", head='[data_plane]\nvip_interface = "eth0"\n')
    assert diagnose(facts) == []
    duplicate = found(networked(facts, duplicates=frozenset({there})))
    assert (duplicate.level, duplicate.what) == (
        "problem",
        f"the VIP {VIP} on eth0 is a duplicate (dadfailed): another machine had it first",
    )
