"""Where would this machine send a packet, and from which address? One question to the kernel's routing tables.

As ``ip route get ADDRESS`` asks it, hand-packed: pyroute2 would cost half a millisecond for each of thousands of
reals (``man 7 rtnetlink``). Never changes anything. Not thread-safe.
"""

import socket
import struct
import sys
from ipaddress import ip_address
from typing import NamedTuple

from kglb.dataplane.netlink import attribute, attributes

_GET_ROUTE = 26
_NEW_ROUTE = 24
_REQUEST = 0x1
_DESTINATION, _INTERFACE, _SOURCE = 1, 4, 7

_HEADER = struct.Struct("=IHHII")
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg: family, lengths, tos, table, protocol, scope, type, flags
_RECEIVE_SIZE = 4096
_RECEIVE_TIMEOUT = struct.pack("@ll", 5, 0)


class Route(NamedTuple):
    """The interface that packets leave by, and the address of ours that they come from."""

    interface: str
    source: str


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
    try:
        return Route(socket.if_indextoname(index), str(ip_address(bytes(found[_SOURCE]))))
    except OSError:
        return None  # the interface is gone since
