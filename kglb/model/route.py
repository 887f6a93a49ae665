"""Routes to VIPs, as BGP announces them, and sets of prefixes that say which of them covers an address."""

import ipaddress
from collections.abc import Iterable

import msgspec

from kglb.model.endpoint import MalformedError


class Route(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A route, known by its ``prefix`` (canonical: ``192.168.100.10/32``).

    ``next_hop`` is an address, or ``self`` for the announcing router's own. ``med`` is BGP's metric, None for none.
    ``hold_time`` is how many seconds packets may still arrive after it was withdrawn.
    """

    prefix: str
    next_hop: str = "self"
    communities: tuple[str, ...] = ()
    med: int | None = None
    hold_time: float = 0.0

    def __str__(self) -> str:
        return self.prefix


class Prefixes:
    """A set of prefixes.

    >>> Prefixes(["192.168.0.0/16"]).covering("192.168.100.10/32")
    '192.168.0.0/16'
    """

    def __init__(self, prefixes: Iterable[str]) -> None:
        self._members = frozenset(prefixes)
        lengths = {(":" in prefix, _length(prefix)) for prefix in self._members}
        self._lengths = sorted(lengths, reverse=True)

    def covering(self, prefix: str) -> str:
        """The longest of these prefixes that contains this one (or this address); empty if none does.

        Looks only once per prefix length there is, however many prefixes there are. Raises MalformedError.
        """
        if not self._members:
            return ""
        try:
            network = ipaddress.ip_network(prefix)
        except ValueError:
            raise MalformedError(f"expected an address or a prefix, found {prefix!r}") from None
        for ipv6, length in self._lengths:
            if ipv6 == (network.version == 6) and length <= network.prefixlen:
                candidate = str(network.supernet(new_prefix=length))
                if candidate in self._members:
                    return candidate
        return ""


def _length(prefix: str) -> int:
    length = prefix.rpartition("/")[2]
    if not (length.isascii() and length.isdigit()):
        raise MalformedError(f"expected a prefix, found {prefix!r}")
    return int(length)
