"""Can this machine check a real through its own VIP? From which address, and what stands in the way?

A marked connection starts here, so two things must hold that traffic from clients does not need. It comes from an
address of ours that is no VIP, else the real would answer itself. And where the real answers directly, the answer
comes in from the VIP, which is an address of this machine: IPv4 drops that as a martian unless told otherwise
(``accept_local``), and strict reverse path filtering (``rp_filter`` 1) drops it too. IPv6 asks neither. What counts is
the higher of the interface's setting and that of ``all`` (Linux, Documentation/networking/ip-sysctl).

The answer is taken to come in where packets to the real go out. Reads only.
"""

from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path

import msgspec

from kglb.dataplane.routes import Route
from kglb.model import Way

SYSCTLS = Path("/proc/sys/net/ipv4/conf")
_DIRECT_ANSWERS = ("tunnel", "direct")


class Passage(msgspec.Struct, frozen=True):
    """The address that checks of a real come from; or the ``problem`` that keeps them from being made, and its cure."""

    source: str = ""
    problem: str = ""
    remedy: str = ""


def find_passage(
    way: Way,
    source: str,
    vips: Collection[str],
    route_to: Callable[[str], Route | None],
    in_force: Callable[[str, str], int],
) -> Passage:
    """The passage to a real. ``source`` is the configured address, empty to find one; ``vips`` are none to take.

    ``in_force`` gives an interface's IPv4 sysctl by its name. Raises OSError where the kernel cannot be asked.
    """
    route = route_to(way.address)
    chosen = source or _own_address(way, route, vips)
    if not chosen:
        return Passage(
            problem=f"this machine has no address of its own towards {way.address} for checks over "
            f"IPv{6 if way.ipv6 else 4}",
            remedy='set source = "ADDRESS" in [balancer.check]: an address of this machine that is no VIP',
        )
    if way.forward.method in _DIRECT_ANSWERS and not way.ipv6 and route is not None:
        return _admitted(chosen, route.interface, in_force)
    return Passage(chosen)


def _own_address(way: Way, route: Route | None, vips: Collection[str]) -> str:
    if route is None or (":" in route.source) != way.ipv6 or route.source in vips:
        return ""
    return route.source


def conf(interface: str, name: str, *, ipv6: bool = False) -> str:
    """An interface's sysctl as sysctl(8) names it: a dot in the interface's name is written as a slash there.

    >>> conf("eth0.100", "arp_ignore")
    'net.ipv4.conf.eth0/100.arp_ignore'
    """
    return f"net.ipv{6 if ipv6 else 4}.conf.{interface.replace('.', '/')}.{name}"


def _admitted(source: str, interface: str, in_force: Callable[[str, str], int]) -> Passage:
    """The passage, if the interface lets answers from the VIP in."""
    problems, settings = [], []
    if in_force(interface, "accept_local") == 0:
        problems.append(f"{conf(interface, 'accept_local')} is 0")
        settings.append(f"{conf(interface, 'accept_local')}=1")
    if in_force(interface, "rp_filter") == 1:
        problems.append(f"{conf(interface, 'rp_filter')} (or that of all) is 1")
        settings.append(f"{conf(interface, 'rp_filter')}=2")
    if not problems:
        return Passage(source)
    return Passage(
        source,
        problem=f"{' and '.join(problems)}: what reals answer from the VIP to a check is dropped",
        remedy=f"sysctl -w {' '.join(settings)}",
    )


def sysctl_reader(directory: Path = SYSCTLS) -> Callable[[str, str], int]:
    """Reads what is in force on an interface, each sysctl once: for one look at many reals."""

    @cache
    def in_force(interface: str, name: str) -> int:
        return max(int((directory / where / name).read_text()) for where in ("all", interface))

    return in_force
