"""Where something listens: an IP address and a port, and its one text form."""

import ipaddress
from typing import NewType

import msgspec

RealId = NewType("RealId", str)
"""The text form of a real server's endpoint, ``10.0.0.7:80`` or ``[2001:db8::7]:80``: its name in every event."""

MAX_PORT = 65535

_OCTETS = frozenset(map(str, range(256)))


class MalformedError(ValueError):
    """A text that is no address, prefix, endpoint or service: what was expected, and what was found."""


class Endpoint(msgspec.Struct, frozen=True, order=True):
    """An IP address in canonical form, and a port from 0 to 65535."""

    address: str
    port: int

    @property
    def is_ipv6(self) -> bool:
        """Whether the address is an IPv6 one."""
        return ":" in self.address

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if self.is_ipv6 else f"{self.address}:{self.port}"

    @property
    def id(self) -> RealId:
        """The text form as a real's name."""
        return RealId(str(self))


def split_host_port(text: str) -> tuple[str, int]:
    """Split ``host:port`` or ``[v6]:port``; raises MalformedError saying what was expected."""
    if text.startswith("["):
        host, closing, rest = text[1:].partition("]")
        if not closing or not rest.startswith(":"):
            raise MalformedError(f"expected [IPv6 address]:port, found {text!r}")
        port_text = rest[1:]
    else:
        host, _, port_text = text.rpartition(":")
        if ":" in host:
            raise MalformedError(f"an IPv6 address goes in brackets, as [{text}]:80; found {text!r}")
    if not host or not (port_text.isascii() and port_text.isdigit()) or int(port_text) > MAX_PORT:
        raise MalformedError(f"expected address:port with a port from 0 to {MAX_PORT}, found {text!r}")
    return host, int(port_text)


def parse_endpoint(text: str) -> Endpoint:
    """Read ``10.0.0.7:80`` or ``[2001:db8::7]:80``; raises MalformedError saying what was expected.

    >>> parse_endpoint("[2001:DB8:0::7]:80").id
    '[2001:db8::7]:80'
    """
    host, port = split_host_port(text)
    address = canonical_address(host)
    if "%" in address:
        raise MalformedError(f"an address with a scope cannot be a destination, found {host!r}")
    return Endpoint(address, port)


def canonical_address(text: str) -> str:
    """An IP address in its one form, which for IPv4 is how it is written; raises MalformedError for what is none.

    >>> canonical_address("2001:DB8:0::7")
    '2001:db8::7'
    """
    if _is_dotted_quad(text):
        return text
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise MalformedError(f"expected an IP address, found {text!r}") from None


def _is_dotted_quad(text: str) -> bool:
    """Whether ``ipaddress`` takes it for an IPv4 address, in a tenth of the time."""
    octets = text.split(".")
    return len(octets) == 4 and all(map(_OCTETS.__contains__, octets))


def is_address(text: str) -> bool:
    """Whether it is an IP address, of either kind and in any form."""
    try:
        canonical_address(text)
    except MalformedError:
        return False
    return True
