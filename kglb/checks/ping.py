"""The ping check: an ICMP echo request and its reply (RFC 792, RFC 4443)."""

import os
import struct
from socket import SOCK_RAW, SocketType
from typing import Final

from kglb.checks.datagram import DatagramProbe
from kglb.checks.outcome import OK, Verdict

_TOKEN: Final = 16
_FORBIDDEN: Final = Verdict(
    "unknown",
    "ICMP not permitted",
    "run with CAP_NET_RAW, or put the daemon's group into the sysctl net.ipv4.ping_group_range",
)


class PingProbe(DatagramProbe):
    """Passes when the reply carries the request's random token: nobody else's reply, and no earlier one, does."""

    __slots__ = ("_token",)

    def begin(self) -> Verdict | None:
        """Send the request; unknown, when this process may have no ICMP socket."""
        try:
            return super().begin()
        except PermissionError:
            return _FORBIDDEN

    def dial(self) -> SocketType:
        """An ICMP socket."""
        return self.dialer.dial_icmp(self.target)

    def message(self) -> bytes:
        """An echo request. Where the kernel does not fill in id and checksum, they stand already."""
        self._token = os.urandom(_TOKEN)
        kind = 128 if self.target.is_ipv6 else 8
        unsummed = struct.pack(">BBHHH", kind, 0, 0, os.getpid() & 0xFFFF, 1) + self._token
        return unsummed[:2] + struct.pack(">H", _checksum(unsummed)) + unsummed[4:]

    def hear(self, datagram: bytes) -> Verdict | None:
        """Pass with the reply; a raw socket hears the target's other ICMP messages too."""
        assert self.sock is not None
        if self.sock.type == SOCK_RAW and not self.target.is_ipv6:
            datagram = datagram[(datagram[0] & 0x0F) * 4 :]  # the IPv4 header (RFC 791, 3.1)
        is_reply = datagram[:1] == (b"\x81" if self.target.is_ipv6 else b"\x00")
        return OK if is_reply and datagram[8:] == self._token else None


def _checksum(packet: bytes) -> int:
    """The internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f">{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
