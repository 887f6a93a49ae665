"""Section G: KgLb's validation of its own config."""

from copy import deepcopy
from typing import Any

import pytest

from kglb.config.balancers import BALANCER
from kglb.config.checks import KINDS
from tests.config.foreign.configs import BASE, GONE, Json, accepted, changed, refused, with_check, with_service

HTTPS_PORT = changed(BASE, "lbService.ipvsService.tcpAttributes.port", 443)
MARKED = {"enableFwmarks": True}

knows_dns = pytest.mark.skipif("dns" not in KINDS, reason="this version has no dns check")
knows_syslog = pytest.mark.skipif("syslog" not in KINDS, reason="this version has no syslog check")
knows_fwmarks = pytest.mark.skipif(
    "fwmark_checks" not in {key.name for key in BALANCER}, reason="this version has no checks through the tunnel"
)


@pytest.mark.parametrize("name", ["web", "other"], ids=["G1 the same name", "G3 another name"])
def test_a_service_is_there_once(name: str) -> None:
    second = {key: value for key, value in BASE.items() if key != "setupName"} if name == "web" else BASE
    assert refused(BASE, changed(second, "name", name))


def test_g3_the_message_names_the_service() -> None:
    assert refused(BASE, changed(BASE, "name", "other")) == {
        "balancers[1].lbService.ipvsService.tcpAttributes": "duplicate service: tcp://172.0.0.1:80 is balancers[0]'s "
        'already ("web", line 8)'
    }


def test_g2_one_name_may_have_two_ports() -> None:
    assert len(accepted(BASE, HTTPS_PORT).config.balancers) == 2


def test_g5_a_name_is_required() -> None:
    for value in (GONE, "", None):
        assert refused(changed(BASE, "name", value)).values()


def test_g6_a_static_discovery_without_hosts_is_refused() -> None:
    for value in (GONE, []):
        assert refused(changed(BASE, "upstreamDiscovery.staticAttributes.hosts", value))


def test_g9_a_port_of_a_syslog_check_above_65535_is_refused() -> None:
    assert refused(with_check("syslog", {"port": 70_000}))


@knows_syslog
def test_g9_a_port_of_a_syslog_check_may_be_its_own() -> None:
    assert accepted(with_check("syslog", {"port": 1024})).config.balancers[0].check.port == 1024


def dns(protocol: str, service: str = "tcp") -> Json:
    balancer = with_check("dns", {"queryString": ".", "queryType": "NS", "protocol": protocol})
    attributes = {"address": {"ipv4": "172.0.0.1"}, "port": 53}
    return changed(balancer, "lbService.ipvsService", {f"{service}Attributes": attributes})


@knows_dns
@pytest.mark.parametrize(("protocol", "service"), [("TCP", "tcp"), ("UDP", "tcp"), ("TCP", "udp")])
def test_g10_a_dns_check_may_use_either_transport_whatever_the_service_has(protocol: str, service: str) -> None:
    assert accepted(dns(protocol, service))


@knows_dns
@knows_fwmarks
def test_g10_a_dns_check_over_tcp_goes_through_the_tunnel() -> None:
    assert accepted(dns("TCP") | MARKED)


def test_g10_a_dns_check_over_udp_does_not_go_through_the_tunnel() -> None:
    assert refused(dns("UDP") | MARKED)


REQUIRED = (
    "setupName",
    "lbService",
    "lbService.ipvsService",
    "lbService.ipvsService.tcpAttributes",
    "lbService.ipvsService.tcpAttributes.address",
    "lbService.ipvsService.tcpAttributes.address.ipv4",
    "lbService.ipvsService.tcpAttributes.port",
    "upstreamRouting",
    "upstreamChecker",
    "upstreamChecker.checker",
    "upstreamChecker.checker.dummy",
    "upstreamDiscovery",
    "upstreamDiscovery.staticAttributes",
    "dynamicRouting",
)


@pytest.mark.parametrize("option", REQUIRED)
def test_what_kglb_requires_is_required(option: str) -> None:
    assert accepted(BASE)
    for value in (GONE, None):
        assert refused(changed(BASE, option, value))


def bgp(**fields: Any) -> Json:
    attributes = {
        "localAsn": 1000,
        "peerAsn": 1000,
        "community": "10000:10000",
        "prefix": {"ipv4": "172.0.0.1"},
        "prefixlen": 32,
    }
    return changed(deepcopy(BASE), "dynamicRouting.bgpAttributes", attributes | fields)


@pytest.mark.parametrize(
    "balancer",
    [
        changed(BASE, "dynamicRouting.announceLimitRatio", 1.1) | {"dynamicRouting": {"announceLimitRatio": 1.1}},
        bgp(localAsn=0),
        bgp(peerAsn=0),
        bgp(community=""),
        bgp(prefix={}),
        bgp(prefix={"ipv4": "fd00::1"}),
        bgp(prefixlen=0),
        bgp(prefixlen=33),
        changed(BASE, "lbService.ipvsService.tcpAttributes.port", 0),
        with_service("tcpAttributes", {"address": {"ipv4": "not an address"}, "port": 80}),
        with_service("tcpAttributes", {"address": {"ipv4": "10.0.0.1", "ipv6": "fd00::1"}, "port": 80}),
        with_service("udpAttributes", {"port": 80}),
        with_service("fwmarkAttributes", {"fwmark": 0}),
        with_check("dns", {}),
        changed(BASE, "upstreamChecker.checker", {"dummy": {}, "tcp": {}}),
        changed(BASE, "upstreamDiscovery.port", 0) | {"upstreamRouting": {"forwardMethod": "MASQ"}},
        changed(BASE, "unknown", 1),
    ],
)
def test_what_kglb_refuses_is_refused(balancer: Json) -> None:
    assert refused(balancer)


def test_port_0_is_for_tunnels() -> None:
    assert accepted(changed(BASE, "upstreamDiscovery.port", 0)).config.balancers[0].reals[0].host == "host-1:0"


@knows_fwmarks
def test_all_services_of_a_vip_are_checked_in_one_way() -> None:
    tcp = with_check("tcp", {})
    other = changed(tcp, "lbService.ipvsService.tcpAttributes.port", 443)
    assert accepted(tcp | MARKED, other | MARKED)
    assert "enableFwmarks differs" in refused(tcp | MARKED, other)["balancers[1]"]
