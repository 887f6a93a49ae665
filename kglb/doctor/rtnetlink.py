"""What the kernel says by rtnetlink of this machine's network: links, addresses, neighbours, rules. Reads only.

By pyroute2, which takes longer to import than all else of a look: nobody imports this module who will not use it. Not
to be used where an event loop runs: pyroute2 runs one of its own.
"""

import os
import socket
from collections.abc import Callable, Iterable, Mapping
from errno import EAFNOSUPPORT, EOPNOTSUPP
from ipaddress import ip_interface
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.rtnl.ifaddrmsg import IFA_F_DADFAILED
from pyroute2.netlink.rtnl.ifinfmsg import IFF_UP
from pyroute2.netlink.rtnl.ndmsg import NTF_PROXY, NUD_DELAY, NUD_PERMANENT, NUD_PROBE, NUD_REACHABLE, NUD_STALE

from kglb.doctor.facts import Link, Network
from kglb.model import Address

_ANSWERED = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT
_MTU6 = ("IFLA_AF_SPEC", "AF_INET6", "IFLA_INET6_CONF", "mtu")
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_NOT_IN_THIS_KERNEL = (EAFNOSUPPORT, EOPNOTSUPP)

_Message = Any
"""A message of pyroute2, which has no types: fields by index, attributes by ``get``."""


def look() -> Network:
    """The network of the calling thread's namespace. Raises OSError where the kernel cannot be asked."""
    with IPRoute() as ip:
        links = {link["index"]: link for link in _all(ip.get_links)}
        names = {index: str(link.get("IFLA_IFNAME")) for index, link in links.items()}
        addresses = [(_address(each, names), each) for each in _all(ip.get_addr)]
        neighbours = _all(ip.get_neighbours)
        proxied = _all(ip.neigh, "dump", dump_filter=None, family=socket.AF_INET6, flags=NTF_PROXY)
        rules = [rule for family in _FAMILIES for rule in _all(ip.get_rules, family=family)]
    return Network(
        links={names[index]: _link(link) for index, link in links.items()},
        addresses=frozenset(address for address, _ in addresses),
        duplicates=frozenset(address for address, each in addresses if each["flags"] & IFA_F_DADFAILED),
        neighbours=frozenset(str(each.get("NDA_DST")) for each in neighbours if each["state"] & _ANSWERED),
        proxied=frozenset((str(each.get("NDA_DST")), names.get(each["ifindex"], "")) for each in proxied),
        rule_marks=_marks(rules),
    )


def _all(ask: Callable[..., Iterable[_Message]], *arguments: object, **options: object) -> list[_Message]:
    """The answers to a question; none where the kernel was built without what it is about."""
    try:
        return list(ask(*arguments, **options))
    except NetlinkError as refused:
        if refused.code in _NOT_IN_THIS_KERNEL:
            return []
        raise OSError(refused.code, os.strerror(refused.code)) from refused


def _link(link: _Message) -> Link:
    mtu = int(link.get("IFLA_MTU"))
    return Link(
        up=bool(link["flags"] & IFF_UP),
        carrier=link.get("IFLA_CARRIER") != 0,
        mtu=mtu,
        mtu6=int(link.get(_MTU6) or mtu),
    )


def _address(each: _Message, names: Mapping[int, str]) -> Address:
    """An address with a peer has the peer's in IFA_ADDRESS, and its own in IFA_LOCAL."""
    own = each.get("IFA_LOCAL") or each.get("IFA_ADDRESS")
    return Address(str(ip_interface(f"{own}/{each['prefixlen']}")), names.get(each["index"], ""))


def _marks(rules: Iterable[_Message]) -> dict[int, int]:
    """The marks that rules are for, and the priority of the first such rule."""
    marks: dict[int, int] = {}
    for rule in rules:
        if mark := rule.get("FRA_FWMARK"):
            marks.setdefault(int(mark), int(rule.get("FRA_PRIORITY") or 0))
    return marks
