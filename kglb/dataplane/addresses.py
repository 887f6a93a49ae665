"""The addresses on this machine's interfaces: read, add, delete (``man 7 rtnetlink``).

Hand-packed, as IPVS is: importing a netlink library takes longer than all else of a start. Not thread-safe, and never
to be used on an event loop.
"""

import socket
import struct
from errno import ENODEV
from ipaddress import ip_address, ip_interface

from kglb.dataplane.netlink import Netlink, attribute, attributes
from kglb.model import AddAddress, Address, DeleteAddress

_NEW_ADDRESS, _DELETE_ADDRESS, _GET_ADDRESS = 20, 21, 22
_CREATE, _EXCLUSIVE = 0x400, 0x200
_ADDRESS, _LOCAL, _FLAGS = 1, 2, 8
_NODAD = 0x02  # IFA_F_NODAD: without it an IPv6 address on Ethernet cannot be used for a second
_MESSAGE = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix length, flags, scope, interface
_U32 = struct.Struct("=I")


class Addresses:
    """The addresses of the network namespace in which it is made. Raises OSError when the kernel cannot be asked."""

    def __init__(self) -> None:
        self._netlink = Netlink(socket.NETLINK_ROUTE)

    def send(self, operation: AddAddress | DeleteAddress) -> int:
        """Perform one operation; its errno, 0 where it took place."""
        index = _index(operation.address.interface)
        if index is None:
            return ENODEV
        body = _encode(operation.address, index)
        if isinstance(operation, AddAddress):
            (error,) = self._netlink.request([(_NEW_ADDRESS, body)], _CREATE | _EXCLUSIVE)
        else:
            (error,) = self._netlink.request([(_DELETE_ADDRESS, body)])
        return error

    def on(self, interface: str) -> frozenset[Address]:
        """All addresses on an interface; none for an interface that is not there."""
        index = _index(interface)
        answers = self._netlink.dump((_GET_ADDRESS, _MESSAGE.pack(socket.AF_UNSPEC, 0, 0, 0, 0)))
        return frozenset(
            Address(_decode(answer), interface) for answer in answers if _MESSAGE.unpack_from(answer)[4] == index
        )

    def close(self) -> None:
        """Close the socket."""
        self._netlink.close()


def _index(interface: str) -> int | None:
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        return None


def _encode(address: Address, index: int) -> bytes:
    interface = ip_interface(address.address)
    family, flags = (socket.AF_INET6, _NODAD) if interface.version == 6 else (socket.AF_INET, 0)
    packed = interface.ip.packed
    return (
        _MESSAGE.pack(family, interface.network.prefixlen, flags, 0, index)
        + attribute(_LOCAL, packed)
        + attribute(_ADDRESS, packed)
        + attribute(_FLAGS, _U32.pack(flags))
    )


def _decode(answer: memoryview) -> str:
    found = attributes(answer[_MESSAGE.size :])
    address = found.get(_LOCAL) or found[_ADDRESS]  # an address with a peer has the peer's in IFA_ADDRESS
    return str(ip_interface(f"{ip_address(bytes(address))}/{answer[1]}"))
