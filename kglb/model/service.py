"""What IPVS holds: virtual services, their destinations, and the addresses they are reached at."""

import ipaddress
from functools import lru_cache
from typing import Literal, NewType

import msgspec

from kglb.model.endpoint import MalformedError, RealId, parse_endpoint

ServiceId = NewType("ServiceId", str)
"""The text form of a virtual service's key: ``tcp://192.168.100.10:80``, ``udp://[2001:db8::10]:53``,
``fwmark://10`` (IPv4) or ``fwmark6://10`` (IPv6). It names the service in every event."""

Protocol = Literal["tcp", "udp", "fwmark"]
Method = Literal["masquerade", "direct", "tunnel", "local"]
TunnelType = Literal["ipip", "gue", "gre"]
Checksum = Literal["none", "csum", "remcsum"]

MAX_WEIGHT = 65535
"""IPVS itself takes up to 2^31 - 1, but schedulers multiply weights by 16-bit-ish counts: wrr overflows above."""

SCHEDULERS = (
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos",
)  # fmt: skip
"""The schedulers of the mainline kernel, by the name the kernel knows them under."""

HASHING = ("dh", "sh", "mh")
"""Those that map clients by a table, which the kernel fills in the order in which destinations came (ip_vs_dh.c,
ip_vs_sh.c, ip_vs_mh.c)."""

FLAGS = ("one-packet", "flag-1", "flag-2", "flag-3")
"""Canonical service flags. ``flag-1`` and ``flag-2`` are sh's and mh's fallback and port."""

FLAG_ALIASES = {
    "ops": "one-packet",
    "sh-fallback": "flag-1",
    "sh-port": "flag-2",
    "mh-fallback": "flag-1",
    "mh-port": "flag-2",
}
"""ipvsadm's and keepalived's names for the same bits."""


class ServiceKey(msgspec.Struct, frozen=True):
    """The identity of a virtual service in the kernel: protocol, address and port, or a firewall mark and family."""

    protocol: Protocol
    address: str = ""
    port: int = 0
    mark: int = 0
    ipv6: bool = False

    def __str__(self) -> str:
        if self.protocol == "fwmark":
            return f"fwmark{'6' if self.ipv6 else ''}://{self.mark}"
        host = f"[{self.address}]" if self.ipv6 else self.address
        return f"{self.protocol}://{host}:{self.port}"

    @property
    def id(self) -> ServiceId:
        """The text form as the service's name."""
        return ServiceId(str(self))


def _parse_mark(text: str, mark: str, *, ipv6: bool) -> ServiceKey:
    if not (mark.isascii() and mark.isdigit()) or not 0 < int(mark) < 2**32:
        raise MalformedError(f"expected a mark from 1 to {2**32 - 1}, found {text!r}")
    return ServiceKey("fwmark", mark=int(mark), ipv6=ipv6)


@lru_cache(maxsize=65536)
def parse_service(text: str) -> ServiceKey:
    """Read a virtual service's key from its text form; raises MalformedError saying what was expected.

    >>> parse_service("udp://[2001:DB8::10]:53").id
    'udp://[2001:db8::10]:53'
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("tcp", "udp", "fwmark", "fwmark6"):
        raise MalformedError(
            f"expected tcp://ADDRESS:PORT, udp://ADDRESS:PORT, fwmark://MARK or fwmark6://MARK, found {text!r}"
        )
    if scheme.startswith("fwmark"):
        return _parse_mark(text, rest, ipv6=scheme == "fwmark6")
    endpoint = parse_endpoint(rest)
    address = ipaddress.ip_address(endpoint.address)
    if address.is_unspecified or address.is_multicast:
        raise MalformedError(f"a virtual service needs a unicast address, found {text!r}")
    protocol: Protocol = "tcp" if scheme == "tcp" else "udp"
    return ServiceKey(protocol, endpoint.address, endpoint.port, ipv6=endpoint.is_ipv6)


class Service(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A virtual service as the kernel holds it, without its destinations.

    ``persistence`` is a timeout in seconds, 0 for none; ``netmask`` its granularity as a prefix length, 0 for
    the whole address; ``flags`` are sorted names of FLAGS. What only a stranger sets reads back so that no
    wish equals it: a flag without a name as ``0x40``, a netmask that is no prefix as -1.
    """

    id: ServiceId
    scheduler: str = "wlc"
    flags: tuple[str, ...] = ()
    persistence: int = 0
    netmask: int = 0
    engine: str = ""

    @property
    def key(self) -> ServiceKey:
        """The parsed identity."""
        return parse_service(self.id)


class Forward(msgspec.Struct, frozen=True, omit_defaults=True):
    """How packets reach a real: the method and, for tunnels, the encapsulation, its port (gue) and checksum."""

    method: Method = "masquerade"
    tunnel: TunnelType = "ipip"
    port: int = 0
    checksum: Checksum = "none"

    def __str__(self) -> str:
        if self.method != "tunnel":
            return self.method
        port = f":{self.port}" if self.port else ""
        checksum = f"+{self.checksum}" if self.checksum != "none" else ""
        return f"{self.tunnel}{port}{checksum}"


class Destination(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A real server of one service as the kernel holds it.

    ``weight`` is 0 to MAX_WEIGHT; ``upper`` and ``lower`` are connection thresholds, 0 for none.
    """

    real: RealId
    weight: int
    forward: Forward = Forward()
    upper: int = 0
    lower: int = 0


class Address(msgspec.Struct, frozen=True, order=True):
    """An address on an interface, always with its prefix length: ``192.168.100.10/32`` on ``lo``."""

    address: str
    interface: str

    def __str__(self) -> str:
        return f"{self.address} on {self.interface}"
