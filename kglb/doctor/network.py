"""Do packets come to the VIPs, go on to the reals and find their way back?"""

import ipaddress
from collections.abc import Iterator

from kglb.dataplane.passage import conf
from kglb.doctor.facts import Facts
from kglb.doctor.finding import Finding, note, problem
from kglb.doctor.wanted import literal_reals, some, vips


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


def has_the_interface(facts: Facts) -> Iterator[Finding]:
    """VIPs need an interface to be on."""
    name = facts.config.data_plane.vip_interface
    if not vips(facts.config):
        return
    if name not in facts.interfaces:
        fix = f"ip link add {name} type dummy && ip link set {name} up"
        yield problem(f"there is no interface {name} (data_plane.vip_interface)", "no VIP can be added", fix=fix)
    elif not facts.interfaces[name]:
        why = "addresses on an interface that is down do not answer"
        yield problem(f"the interface {name} (data_plane.vip_interface) is down", why, fix=f"ip link set {name} up")


def answers_arp(facts: Facts) -> Iterator[Finding]:
    """A VIP on lo is asked for by ARP where its network is on a segment; arp_ignore keeps this machine silent.

    With ``arp_ignore`` 1 or more only addresses of the asked interface are answered for (Linux, ip-sysctl).
    """
    ours = facts.config.data_plane.vip_interface
    routed = {balancer.address for balancer in facts.config.balancers if balancer.announce is not None}
    for address in vips(facts.config):
        vip = ipaddress.ip_interface(address.address).ip
        if vip.version == 6 or address in routed:
            continue
        for there in sorted(facts.addresses):
            on_segment = vip in ipaddress.ip_interface(there.address).network and not there.address.endswith("/32")
            if not on_segment or there.interface in (ours, "lo"):
                continue
            names = [name for where in ("all", there.interface) if facts.sysctls.get(name := conf(where, "arp_ignore"))]
            if names:
                yield problem(
                    f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not 0",
                    f"nobody on {there.interface} learns where {vip} is: this machine answers no ARP for it",
                    fix=f"sysctl -w {' '.join(f'{name}=0' for name in names)}",
                )


def owns_its_vips(facts: Facts) -> Iterator[Finding]:
    """A VIP that is elsewhere too gets part of its packets there."""
    ours = facts.config.data_plane.vip_interface
    for address in vips(facts.config):
        vip = address.address.partition("/")[0]
        for there in sorted(facts.addresses):
            if there.address.partition("/")[0] == vip and there.interface != ours:
                yield note(
                    f"the VIP {vip} is on {there.interface} already",
                    "it stays there when the daemon stops, and this machine answers for a service that is gone",
                    fix=f"ip address del {there.address} dev {there.interface}",
                )
        if vip in facts.neighbours:
            yield problem(
                f"another machine answers for the VIP {vip} by ARP",
                "clients reach one or the other, as chance has it",
                advice="find it in `ip neighbour`; a real with direct routing needs arp_ignore=1 and arp_announce=2",
            )


def reaches_its_reals(facts: Facts) -> Iterator[Finding]:
    """A real without a route, or on this machine itself, is checked in vain."""
    if facts.unreachable:
        yield problem(
            f"there is no route to {some(facts.unreachable)}",
            "no check and no packet reaches it",
            advice="add a route, or correct the address in the config",
        )
    local = {address.address.partition("/")[0] for address in facts.addresses}
    here = [real.address for real in literal_reals(facts.config) if real.address in local]
    if here:
        yield note(
            f"{some(dict.fromkeys(here))} is an address of this machine",
            "a real here is checked without its tunnel, and answers even when the network does not",
        )


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


RULES = (
    has_the_interface,
    forwards,
    answers_arp,
    owns_its_vips,
    reaches_its_reals,
    lets_marked_checks_through,
)
