"""Do packets go on to the reals, and do answers find their way back?"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator

from kglb.dataplane.routes import Route
from kglb.doctor.facts import Facts
from kglb.doctor.finding import Finding, note, problem
from kglb.doctor.wanted import some, ways
from kglb.model import Way


def forwards(facts: Facts) -> Iterator[Finding]:
    """What a masqueraded real answers goes through this machine, as a router."""
    masqueraded = {
        balancer.service.key.ipv6
        for balancer in facts.config.balancers
        for real in balancer.reals
        if real.forward.method == "masquerade"
    }
    for ipv6, name in ((False, "net.ipv4.ip_forward"), (True, "net.ipv6.conf.all.forwarding")):
        if ipv6 in masqueraded and facts.sysctls.get(name) == 0:
            why = "this machine does not forward: what masqueraded reals answer never reaches the client"
            yield problem(f"{name} is 0", why, fix=f"sysctl -w {name}=1")


def reaches_its_reals(facts: Facts) -> Iterator[Finding]:
    """A real without a route, or on this machine itself, is checked in vain."""
    unreachable = [address for address, route in facts.routes.items() if route is None]
    if unreachable:
        yield problem(
            f"there is no route to {some(unreachable)}",
            "no check and no packet reaches it",
            advice="add a route, or correct the address in the config",
        )
    here = [address for address, route in facts.routes.items() if route is not None and route.local]
    if here:
        yield note(
            f"{some(here)} is an address of this machine",
            "a real here is checked without its tunnel, and answers even when the network does not",
        )


def has_carrier(facts: Facts) -> Iterator[Finding]:
    """IPv4 keeps the routes of an interface that is up when it loses its carrier, and loses what is sent by them."""
    by_interface = defaultdict(list)
    for address, route in facts.routes.items():
        if route is not None:
            by_interface[route.interface].append(address)
    for interface, reals in by_interface.items():
        link = facts.network.links.get(interface)
        if link is not None and link.up and not link.carrier:
            yield problem(
                f"{interface} has no carrier, and the route to {some(reals)} leaves by it",
                "no check and no packet reaches it",
                advice=f"look at its cable, its switch, or whatever is at the other end; `ip link show {interface}`",
            )


def sends_directly(facts: Facts) -> Iterator[Finding]:
    """With direct routing a packet leaves as it came, for the VIP: a router that gets it knows of no real.

    Sure is only that the default route's gateway is a router. Another may be the real, under another address.
    """
    by_gateway = defaultdict(list)
    for way, route in _routed(facts, "direct"):
        if route.gateway:
            by_gateway[route.gateway, route.interface].append(way.address)
    routers = {(route.gateway, route.interface) for route in facts.default_routes}
    for (gateway, interface), reals in by_gateway.items():
        is_router = (gateway, interface) in routers
        certain = "" if is_router else ", unless that is the real itself"
        yield (problem if is_router else note)(
            f"{some(dict.fromkeys(reals))} is reached through {gateway}, and forward is direct",
            f"{gateway} gets packets for the VIP and sends them to where it has the VIP, not to the real{certain}; "
            "checks pass all the same",
            advice='forward = "tunnel", or reals on a segment of this machine',
        )


def is_not_passed_by(facts: Facts) -> Iterator[Finding]:
    """IPv6 tells a host of a shorter way by a redirect (RFC 4861, 8), and nothing on this machine turns that off.

    Only a target that is a link-local address is told of (Linux, net/ipv6/ndisc.c, ndisc_send_redirect).
    """
    beside_the_router = {
        route.interface for route in facts.default_routes if route.gateway and _is_link_local(route.gateway)
    }
    by_interface = defaultdict(list)
    for way, route in _routed(facts, "masquerade"):
        if way.ipv6 and not route.local and not route.gateway and route.interface in beside_the_router:
            by_interface[route.interface].append(way.address)
    for interface, reals in by_interface.items():
        yield note(
            f"{some(dict.fromkeys(reals))} and the router of the IPv6 default route are both on {interface}",
            "reals that heed redirects learn the way past this machine, and what they answer is not masqueraded",
            advice="on the reals: `sysctl -w net.ipv6.conf.IF.accept_redirects=0`, IF their interface to this machine",
        )


def _is_link_local(address: str) -> bool:
    return ipaddress.ip_address(address).is_link_local


def _routed(facts: Facts, method: str) -> list[tuple[Way, Route]]:
    """The ways of a method that a route leads along."""
    found = ((way, facts.routes.get(way.address)) for way in ways(facts.config) if way.forward.method == method)
    return [(way, route) for way, route in found if route is not None]


def lets_marked_checks_through(facts: Facts) -> Iterator[Finding]:
    """What the daemon would say of checks through the VIP (``fwmark_checks``), each cure once."""
    seen = set()
    for passage in facts.passages:
        if passage.problem and passage.remedy not in seen:
            seen.add(passage.remedy)
            is_command = passage.remedy.startswith("sysctl")
            yield problem(
                passage.problem,
                "checks through the VIP (fwmark_checks) cannot be made, and health stays as it is",
                fix=passage.remedy if is_command else "",
                advice="" if is_command else passage.remedy,
            )


def has_its_marks_alone(facts: Facts) -> Iterator[Finding]:
    """A service on a mark takes every packet to or from this machine that carries it, whoever marked it."""
    marks = facts.config.marks
    for mark, priority in sorted(facts.network.rule_marks.items()):
        if mark in marks:
            yield problem(
                f"an ip rule (priority {priority}) is for packets with the mark {mark}, which is one of ours "
                f"({marks[0]} to {marks[-1]})",
                "once the mark stands for a real, packets that others mark so go to that real",
                advice="another fwmark_base in [data_plane]",
            )


RULES = (
    forwards,
    reaches_its_reals,
    has_carrier,
    sends_directly,
    is_not_passed_by,
    lets_marked_checks_through,
    has_its_marks_alone,
)
