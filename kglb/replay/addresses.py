"""Other addresses for addresses: prefix-preserving, as Crypto-PAn does it (Xu, Fan, Ammar, Moon, 2002).

Two addresses share as many leading bits afterwards as before, so that whatever a prefix covered it still covers. The
first bits stay (four, or eight of IPv6): what is a unicast address stays one.
"""

import ipaddress
from functools import cache
from hashlib import blake2b

_KEPT_BITS = {4: 4, 6: 8}


class OtherAddresses:
    """One such mapping, chosen by ``key`` (at most 64 bytes); without it there is no way back."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.address = cache(self._address)

    def network(self, text: str) -> str:
        """The other prefix, for ``192.168.0.0/16`` or an interface's ``192.168.0.1/16``. Raises ValueError."""
        before = ipaddress.ip_interface(text)
        after = ipaddress.ip_interface(f"{self.address(str(before.ip))}/{before.network.prefixlen}")
        return str(after.network if before.ip == before.network.network_address else after)

    def _address(self, text: str) -> str:
        """The other address. Raises ValueError."""
        address = ipaddress.ip_address(text)
        width, other = address.max_prefixlen, 0
        for bit in range(width):
            prefix = int(address) >> (width - bit)
            flipped = bit >= _KEPT_BITS[address.version] and self._flips(address.version, bit, prefix)
            other = other << 1 | (int(address) >> (width - 1 - bit) & 1) ^ flipped
        return str(type(address)(other))

    def _flips(self, version: int, bit: int, prefix: int) -> int:
        message = b"%d %d %d" % (version, bit, prefix)
        return blake2b(message, digest_size=1, key=self._key).digest()[0] & 1
