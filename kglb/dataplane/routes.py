"""Where would this machine send a packet, and from which address? One question to the kernel's routing tables.

As ``ip route get ADDRESS`` asks it, hand-packed: pyroute2 would cost half a millisecond for each of thousands of
reals (``man 7 rtnetlink``). Never changes anything. Not thread-safe.
"""

import socket
import struct
import sys
from ipaddress import ip_address
from typing import NamedTuple

from kglb.dataplane.netlink import Attributes, attribute, attributes

_GET_ROUTE = 26
_NEW_ROUTE = 24
_REQUEST = 0x1
_DESTINATION, _INTERFACE, _GATEWAY, _SOURCE, _METRICS, _VIA = 1, 4, 5, 7, 8, 18
_MTU = 2  # RTAX_MTU, among the metrics
_LOCAL = 2  # RTN_LOCAL, a type of route

_HEADER = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg: family, lengths, tos, table, protocol, scope, type, flags
_RECEIVE_SIZE = 4096
_RECEIVE_TIMEOUT = struct.pack("@ll", 5, 0)


class Route(NamedTuple):
    """The interface that packets leave by, and the address of ours that they come from.

    ``gateway`` is the router that they are handed to, empty where the address is on the segment. ``mtu`` is the route's
    own, learnt from routers or set by hand; 0 where the interface's counts. ``local``: they never leave this machine.
    """

    interface: str
    source: str
    gateway: str = ""
    mtu: int = 0
    local: bool = False


class Routes:
    """The routing tables of the network namespace in which it is made."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _RECEIVE_TIMEOUT)
        self._sequence = 0

    def to(self, address: str) -> Route | None:
        """The route to an address, None if there is none. Raises OSError when the kernel cannot be asked."""
        destination = ip_address(address)
        family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
        body = _ROUTE.pack(family, destination.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
        body += attribute(_DESTINATION, destination.packed)
        self._sequence = self._sequence % 0xFFFFFFFF + 1
        self._socket.send(_HEADER.pack(16 + len(body), _GET_ROUTE, _REQUEST, self._sequence, 0) + body)
        kind, answer = self._receive()
        return _route(answer) if kind == _NEW_ROUTE else None

    def _receive(self) -> tuple[int, memoryview]:
        """The kind of the answer to what was asked last, a route or an error, and what is in it."""
        while True:
            message = memoryview(self._socket.recv(_RECEIVE_SIZE))
            length, kind, _, sequence, _ = _HEADER.unpack_from(message)
            if sequence == self._sequence:
                return kind, message[16:length]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def _route(answer: memoryview) -> Route | None:
    found = attributes(answer[_ROUTE.size :])
    if _INTERFACE not in found or _SOURCE not in found:
        return None
    index = int.from_bytes(found[_INTERFACE], sys.byteorder)
    mtu = attributes(found.get(_METRICS, memoryview(b""))).get(_MTU, b"")
    try:
        interface = socket.if_indextoname(index)
    except OSError:
        return None  # it is gone since
    return Route(
        interface=interface,
        source=str(ip_address(bytes(found[_SOURCE]))),
        gateway=_gateway(found),
        mtu=int.from_bytes(mtu, sys.byteorder),
        local=answer[7] == _LOCAL,
    )


def _gateway(found: Attributes) -> str:
    """The router's address; that of an IPv4 route may be IPv6 (RTA_VIA: the family, then the address)."""
    packed = found[_VIA][2:] if _VIA in found else found.get(_GATEWAY)
    return "" if packed is None else str(ip_address(bytes(packed)))
