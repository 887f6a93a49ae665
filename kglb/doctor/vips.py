"""Do clients' packets come to the VIPs, and to this machine alone?"""

import ipaddress
from collections.abc import Iterator

from kglb.dataplane.passage import conf
from kglb.doctor.facts import Facts
from kglb.doctor.finding import Finding, note, problem
from kglb.doctor.wanted import vips

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address

_SILENT_VIP = {
    False: "a real with direct routing or a tunnel needs arp_ignore=1 and arp_announce=2",
    True: "a real with direct routing or a tunnel has the VIP on lo",
}
"""How a real has a VIP without answering for it, by whether it is IPv6."""


def has_the_interface(facts: Facts) -> Iterator[Finding]:
    """VIPs need an interface to be on."""
    name = facts.config.data_plane.vip_interface
    if not vips(facts.config):
        return
    link = facts.network.links.get(name)
    if link is None:
        fix = f"ip link add {name} type dummy && ip link set {name} up"
        yield problem(f"there is no interface {name} (data_plane.vip_interface)", "no VIP can be added", fix=fix)
    elif not link.up:
        why = "addresses on an interface that is down do not answer"
        yield problem(f"the interface {name} (data_plane.vip_interface) is down", why, fix=f"ip link set {name} up")


def answers_arp(facts: Facts) -> Iterator[Finding]:
    """A VIP on lo is asked for by ARP where its network is on a segment; arp_ignore keeps this machine silent.

    With ``arp_ignore`` 1 or more only addresses of the asked interface are answered for (Linux, ip-sysctl).
    """
    for vip in _unrouted(facts):
        for interface in _segments(facts, vip) if vip.version == 4 else ():
            names = [name for where in ("all", interface) if facts.sysctls.get(name := conf(where, "arp_ignore"))]
            if names:
                yield problem(
                    f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not 0",
                    f"this machine does not answer ARP for {vip}, so nobody on {interface} finds it",
                    fix=f"sysctl -w {' '.join(f'{name}=0' for name in names)}",
                )


def answers_solicitations(facts: Facts) -> Iterator[Finding]:
    """IPv6 answers for no address of another interface, unless it is a proxy for it, which takes a forwarding interface
    (Linux, net/ipv6/ndisc.c, ndisc_recv_ns).
    """
    ours = facts.config.data_plane.vip_interface
    for vip in _unrouted(facts):
        for interface in _segments(facts, vip) if vip.version == 6 else ():
            forwards = facts.sysctls.get(conf(interface, "forwarding", ipv6=True), 0) > 0
            asked = [conf(where, "proxy_ndp", ipv6=True) for where in ("all", interface)]
            is_proxy = (str(vip), interface) in facts.network.proxied and any(map(facts.sysctls.get, asked))
            if not (forwards and is_proxy):
                proxy = f"sysctl -w {asked[-1]}=1 && ip -6 neigh replace proxy {vip} dev {interface}"
                yield note(
                    f"the VIP {vip} is in the network of {interface}, but nobody there finds it",
                    f"IPv6 answers no neighbour discovery for addresses on {ours}; only a route to the VIP leads to it",
                    fix=proxy if forwards else "",
                    advice=f'vip_interface = "{interface}" in [data_plane], or VIPs of another network and a route',
                )


def _unrouted(facts: Facts) -> list[_IP]:
    """The VIPs to which no route is announced, so that they have to be found on a segment."""
    routed = {balancer.address for balancer in facts.config.balancers if balancer.announce is not None}
    return [ipaddress.ip_interface(vip.address).ip for vip in vips(facts.config) if vip not in routed]


def _segments(facts: Facts, vip: _IP) -> list[str]:
    """The interfaces in whose own network a VIP is that is not on them."""
    elsewhere = (facts.config.data_plane.vip_interface, "lo")
    there = [(ipaddress.ip_interface(each.address), each.interface) for each in sorted(facts.network.addresses)]
    on_it = {interface for address, interface in there if address.ip == vip}
    around = [
        interface
        for address, interface in there
        if vip in address.network and address.network.prefixlen < vip.max_prefixlen
    ]
    return [interface for interface in dict.fromkeys(around) if interface not in elsewhere and interface not in on_it]


def owns_its_vips(facts: Facts) -> Iterator[Finding]:
    """A VIP that is elsewhere too gets part of its packets there."""
    ours = facts.config.data_plane.vip_interface
    for address in vips(facts.config):
        vip = address.address.partition("/")[0]
        for there in sorted(facts.network.addresses):
            if there.address.partition("/")[0] != vip:
                continue
            if there in facts.network.duplicates:
                yield problem(
                    f"the VIP {vip} on {there.interface} is a duplicate (dadfailed): another machine had it first",
                    "this machine does not take packets for it",
                    advice="take it off the other machine, then off this one; the daemon adds it again",
                )
            elif there.interface != ours:
                yield note(
                    f"the VIP {vip} is on {there.interface} already",
                    "it stays there when the daemon stops; this machine then answers for a service that is gone",
                    fix=f"ip address del {there.address} dev {there.interface}",
                )
        if vip in facts.network.neighbours:
            yield problem(
                f"another machine answers for the VIP {vip} by {'neighbour discovery' if ':' in vip else 'ARP'}",
                "clients reach one of the two at random",
                advice=f"find it in `ip neighbour`; {_SILENT_VIP[':' in vip]}",
            )


RULES = (has_the_interface, answers_arp, answers_solicitations, owns_its_vips)
