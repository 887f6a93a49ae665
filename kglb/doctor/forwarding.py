"""Do packets go on to the reals, and do answers find their way back?"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterator

from kglb.dataplane.passage import conf
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
        for forward in balancer.forwards
        if forward.method == "masquerade"
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
                advice=f"check its cable, its switch, and the other end; `ip link show {interface}`",
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
    """A packet that leaves by the interface it came in by makes the kernel tell its sender of the shorter way.

    So masqueraded reals are told, by redirects, of the router beside them. For IPv6 nothing turns that off here.
    """
    beside = {(route.interface, ":" in route.source) for route in facts.default_routes if _is_told(route, facts)}
    by_segment = defaultdict(list)
    for way, route in _routed(facts, "masquerade"):
        if not route.local and not route.gateway and (route.interface, way.ipv6) in beside:
            by_segment[route.interface, way.ipv6].append(way.address)
    for (interface, ipv6), reals in by_segment.items():
        router = f"the router of the IPv{6 if ipv6 else 4} default route"
        settings = " ".join(f"{name}=0" for name in _send_redirects(interface))
        there = "on the reals: `sysctl -w net.ipv6.conf.IF.accept_redirects=0`, IF their interface to this machine"
        yield note(
            f"{some(dict.fromkeys(reals))} and {router} are both on {interface}",
            "reals that accept ICMP redirects learn to answer past this machine, and such answers are not masqueraded",
            fix="" if ipv6 else f"sysctl -w {settings}",
            advice=there if ipv6 else "",
        )


def _is_told(route: Route, facts: Facts) -> bool:
    """Whether senders are told of a route's gateway: an IPv6 one has to be link-local (Linux, ndisc_send_redirect)."""
    if not route.gateway or (":" in route.gateway) != (":" in route.source):
        return False
    if ":" in route.gateway:
        return ipaddress.ip_address(route.gateway).is_link_local
    return any(map(facts.sysctls.get, _send_redirects(route.interface)))


def _send_redirects(interface: str) -> list[str]:
    """The sysctls of which one that is not 0 is enough."""
    return [conf(where, "send_redirects") for where in ("all", interface)]


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
                f"an ip rule (priority {priority}) matches packets with the mark {mark}, which is one of ours "
                f"({marks[0]} to {marks[-1]})",
                "when that mark is given to a real, packets that others mark with it go to that real",
                advice="choose another fwmark_base in [data_plane]",
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
