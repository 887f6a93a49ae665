"""The addresses on this machine's interfaces: read, add, delete (``man 7 rtnetlink``).

Hand-packed, as IPVS is: importing a netlink library takes longer than all else of a start. Not thread-safe, and never
to be used on an event loop.

Every address that we add carries a mark, the protocol ``IFA_PROTO`` (Linux 5.18; an older kernel passes over attributes
that it does not know): so it is known to be ours though no record says so. ``ip address`` (6.4) shows ``proto 0x6b``.
"""

import os
import socket
import struct
from errno import ENODEV
from ipaddress import ip_address, ip_interface

from kglb.dataplane.netlink import Netlink, attribute, attributes
from kglb.model import AddAddress, Address, DeleteAddress

_NEW_ADDRESS, _DELETE_ADDRESS, _GET_ADDRESS = 20, 21, 22
_CREATE, _EXCLUSIVE = 0x400, 0x200
_ADDRESS, _LOCAL, _FLAGS, _PROTOCOL = 1, 2, 8, 11
MARK = 107
"""Our protocol of addresses, a "k". 0 to 3 are the kernel's (``linux/if_addr.h``). Nobody keeps a register of the rest,
but some programs use for addresses what they use for routes: it is none of ``linux/rtnetlink.h`` (18 is keepalived).
"""
_KEEPS_MARKS = 5, 18
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
        return frozenset(Address(_decode(answer), interface) for answer in self._dump() if _interface(answer) == index)

    def marked_on(self, interface: str) -> frozenset[Address] | None:
        """Those of them that carry our mark; None where the kernel keeps no marks, as far as its version says."""
        index = _index(interface)
        ours = [answer for answer in self._dump() if _protocol(answer) == MARK]
        if not ours and kernel_version() < _KEEPS_MARKS:
            return None
        return frozenset(Address(_decode(answer), interface) for answer in ours if _interface(answer) == index)

    def _dump(self) -> list[memoryview]:
        return self._netlink.dump((_GET_ADDRESS, _MESSAGE.pack(socket.AF_UNSPEC, 0, 0, 0, 0)))

    def close(self) -> None:
        """Close the socket."""
        self._netlink.close()


def kernel_version() -> tuple[int, int]:
    """The first two numbers of the running kernel's release."""
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(filter(str.isdigit, minor)))


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
        + attribute(_PROTOCOL, bytes((MARK,)))
    )


def _decode(answer: memoryview) -> str:
    found = attributes(answer[_MESSAGE.size :])
    address = found.get(_LOCAL) or found[_ADDRESS]  # an address with a peer has the peer's in IFA_ADDRESS
    return str(ip_interface(f"{ip_address(bytes(address))}/{answer[1]}"))


def _interface(answer: memoryview) -> int:
    index: int = _MESSAGE.unpack_from(answer)[4]
    return index


def _protocol(answer: memoryview) -> int:
    """The address's; 0 for one that has none."""
    return (attributes(answer[_MESSAGE.size :]).get(_PROTOCOL) or b"\0")[0]
