"""Do clients' packets fit into the tunnels to the reals?

A tunnel's headers take room from the route's MTU. What does not fit IPVS drops, and asks the client by ICMP for smaller
packets (Linux, net/netfilter/ipvs/ip_vs_xmit.c, ensure_mtu_is_adequate). With ``net.ipv4.vs.pmtu_disc`` 0 it fragments
what is IPv4. The real cannot know: it advertises the MSS of its own link.
"""

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from kglb.doctor.facts import Facts
from kglb.doctor.finding import Finding, note, problem
from kglb.doctor.wanted import some, ways
from kglb.model import Forward, Way

LARGEST = 1500
"""Bytes of the largest packet that comes from afar: Ethernet's."""

IPV6_LEAST = 1280
"""Bytes that every way has to take (RFC 8200, 5): nobody sends smaller packets because he is asked to."""

_HEADERS = {"ipip": 0, "gre": 4, "gue": 12}
"""Bytes between the outer and the inner IP header; of gue 8 are UDP's."""

_CHECKSUMS = {("gre", "csum"): 4, ("gue", "remcsum"): 8}
"""Bytes more; a gue header has the place for a plain checksum anyway."""


def overhead(forward: Forward, *, ipv6: bool) -> int:
    """The bytes that a tunnel adds to each packet; ``ipv6``: to a real with an IPv6 address.

    >>> overhead(Forward(method="tunnel", tunnel="gue", port=6080), ipv6=True)
    52
    """
    outer = 40 if ipv6 else 20
    return outer + _HEADERS[forward.tunnel] + _CHECKSUMS.get((forward.tunnel, forward.checksum), 0)


class _Tunnel(msgspec.Struct, frozen=True):
    """What the tunnels to several reals have in common; ``ipv6`` is of the packets in them."""

    kind: str
    ipv6: bool
    interface: str
    room: int
    overhead: int
    outer_ipv6: bool


def have_room(facts: Facts) -> Iterator[Finding]:
    """Large packets that are lost, and by which circumstances they are not."""
    tunnels = defaultdict(list)
    for way in ways(facts.config):
        if way.forward.method == "tunnel" and (tunnel := _tunnel(way, facts)) is not None:
            tunnels[tunnel].append(way.address)
    largest = _largest(facts)
    for tunnel, reals in tunnels.items():
        if tunnel.room < IPV6_LEAST and (tunnel.ipv6 or tunnel.outer_ipv6):
            yield _too_narrow(tunnel, reals)
        elif tunnel.room < largest and (tunnel.ipv6 or facts.sysctls.get("net.ipv4.vs.pmtu_disc") != 0):
            yield _narrow(tunnel, reals, largest)


def _tunnel(way: Way, facts: Facts) -> _Tunnel | None:
    route = facts.routes.get(way.address)
    link = None if route is None else facts.network.links.get(route.interface)
    if route is None or link is None or route.local:
        return None
    outer_ipv6 = ":" in way.address
    taken = overhead(way.forward, ipv6=outer_ipv6)
    mtu = route.mtu or (link.mtu6 if outer_ipv6 else link.mtu)
    return _Tunnel(str(way.forward), way.ipv6, route.interface, mtu - taken, taken, outer_ipv6)


def _largest(facts: Facts) -> int:
    """The largest packet that a client elsewhere can send here: it comes in where the default route goes out."""
    links = facts.network.links
    mtus = [links[route.interface].mtu for route in facts.default_routes if route.interface in links]
    return min(LARGEST, max(mtus, default=LARGEST))


def _too_narrow(tunnel: _Tunnel, reals: list[str]) -> Finding:
    lost = "IPVS drops everything" if tunnel.outer_ipv6 else "clients cannot send less, and all larger packets are lost"
    return problem(
        f"the tunnel ({tunnel.kind}) to {some(reals)} takes {tunnel.room} bytes, and IPv6 needs {IPV6_LEAST}",
        lost,
        advice=f"set an MTU of at least {IPV6_LEAST + tunnel.overhead} on {tunnel.interface} and the whole path",
    )


def _narrow(tunnel: _Tunnel, reals: list[str], largest: int) -> Finding:
    mss = tunnel.room - (60 if tunnel.ipv6 else 40)
    fragments = "" if tunnel.ipv6 else ", or net.ipv4.vs.pmtu_disc=0 here, which fragments them"
    return note(
        f"IPv{6 if tunnel.ipv6 else 4} packets of more than {tunnel.room} bytes do not fit into the tunnel "
        f"({tunnel.kind}) to {some(reals)}",
        "clients are asked by ICMP to send smaller ones; a client that does not get the ICMP hangs when it sends "
        "much, although checks pass",
        advice=f"set `advmss {mss}` on the reals' routes to clients, or an MTU of {largest + tunnel.overhead} on "
        f"{tunnel.interface} and the whole path{fragments}",
    )


RULES = (have_room,)
