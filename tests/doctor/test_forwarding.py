"""When do packets not get to the reals, or answers not back?"""

import pytest
from msgspec.structs import replace

from kglb.dataplane.routes import Route
from kglb.doctor.diagnose import diagnose
from kglb.doctor.facts import Facts, Link
from tests.doctor.machines import DEFAULT, TO_REALS, WELL, configured, found, networked, set_sysctls

ROUTED = Route("eth0", "192.168.100.2", gateway="192.168.100.7")
IPV6_DEFAULT = Route("eth0", "fd00::2", gateway="fe80::1")
ON_SEGMENT = Route("eth0", "fd00::2")


def test_a_route_by_an_interface_without_carrier_leads_nowhere() -> None:
    facts = networked(WELL, links={**WELL.network.links, "eth1": Link(carrier=False)})
    assert found(facts).what == "eth1 has no carrier, and the route to 10.0.0.1, 10.0.0.2 leaves by it"


def test_an_interface_without_carrier_that_leads_to_no_real_is_nobodys_business() -> None:
    assert diagnose(networked(WELL, links={**WELL.network.links, "eth9": Link(carrier=False)})) == []


def direct(route: Route) -> Facts:
    return replace(configured('forward = "direct"'), routes={"10.0.0.1": route, "10.0.0.2": TO_REALS})


def test_a_router_cannot_route_directly_to_a_real_behind_it() -> None:
    assert diagnose(direct(TO_REALS)) == []
    finding = found(direct(DEFAULT))
    assert (finding.level, finding.what) == (
        "problem",
        "10.0.0.1 is reached through 192.168.100.1, and forward is direct",
    )


def test_a_gateway_that_may_be_the_real_itself_is_a_note() -> None:
    finding = found(direct(ROUTED))
    assert finding.level == "note"
    assert ", unless that is the real itself" in finding.why


def test_a_real_behind_a_router_is_well_where_it_is_masqueraded_or_tunnelled() -> None:
    for method in ("masquerade", "tunnel"):
        facts = replace(configured(f'forward = "{method}"'), routes={"10.0.0.1": DEFAULT})
        assert [finding for finding in diagnose(facts) if "reached through" in finding.what] == []


def one_armed(**redirects: int) -> Facts:
    """Masqueraded reals beside the router; ``redirects`` has ``send_redirects`` of interfaces."""
    facts = replace(WELL, routes={"10.0.0.1": Route("eth0", "192.168.100.2")})
    return set_sysctls(facts, {f"net.ipv4.conf.{name}.send_redirects": value for name, value in redirects.items()})


@pytest.mark.parametrize("redirects", [{"all": 1, "eth0": 0}, {"all": 0, "eth0": 1}])
def test_masqueraded_reals_beside_the_router_learn_the_way_past_us(redirects: dict[str, int]) -> None:
    finding = found(one_armed(**redirects))
    assert (finding.level, finding.what) == (
        "note",
        "10.0.0.1 and the router of the IPv4 default route are both on eth0",
    )
    assert finding.fix == "sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0"


def test_who_sends_no_redirects_or_has_the_reals_elsewhere_is_not_passed_by() -> None:
    assert diagnose(one_armed(all=0, eth0=0)) == []
    assert diagnose(replace(one_armed(all=1), routes=WELL.routes)) == []
    behind_it = {"10.0.0.1": DEFAULT}
    assert diagnose(replace(one_armed(all=1), routes=behind_it)) == []
    by_ipv6 = DEFAULT._replace(gateway="fe80::1")
    assert diagnose(replace(one_armed(all=1), default_routes=(by_ipv6,))) == []


def ipv6_masqueraded(real: Route, default: Route, forward: str = "masquerade") -> Facts:
    facts = configured(f'forward = "{forward}"', service="tcp://[2001:db8::10]:80", reals=("[fd00::1]:80",))
    return replace(facts, routes={"fd00::1": real}, default_routes=(default,))


def test_ipv6_reals_are_told_whatever_this_machine_is_set_to() -> None:
    finding = found(ipv6_masqueraded(ON_SEGMENT, IPV6_DEFAULT))
    assert finding.what == "fd00::1 and the router of the IPv6 default route are both on eth0"
    assert "accept_redirects=0" in finding.advice


def test_only_of_a_link_local_router_on_the_same_interface_are_ipv6_reals_told() -> None:
    assert diagnose(ipv6_masqueraded(ON_SEGMENT, IPV6_DEFAULT._replace(gateway="fd00::fe"))) == []
    assert diagnose(ipv6_masqueraded(ON_SEGMENT._replace(interface="eth1"), IPV6_DEFAULT)) == []
    assert diagnose(ipv6_masqueraded(ON_SEGMENT, IPV6_DEFAULT, "direct")) == []


def test_a_rule_for_a_mark_of_ours_is_a_problem() -> None:
    facts = networked(configured("fwmark_checks = true"), rule_marks={10007: 50})
    finding = found(facts)
    assert finding.what == (
        "an ip rule (priority 50) matches packets with the mark 10007, which is one of ours (10000 to 14999)"
    )


def test_a_rule_for_another_mark_or_where_marks_are_not_used_is_none() -> None:
    assert diagnose(networked(configured("fwmark_checks = true"), rule_marks={51820: 50})) == []
    assert diagnose(networked(WELL, rule_marks={10007: 50})) == []
