"""The addresses on this machine's interfaces: read, add, delete, by pyroute2's rtnetlink.

pyroute2 is imported and its socket opened at the first call, on the thread that makes it: the import costs
150 ms, and its objects cannot be made on a thread whose event loop runs. All later calls must come from the
same thread.
"""

import ipaddress
import socket
from errno import ENODEV
from typing import Any

from kglb.model import AddAddress, Address, DeleteAddress

_NODAD = 0x02  # IFA_F_NODAD: without it an IPv6 address on Ethernet cannot be used for a second


class Addresses:
    """The address table. Raises OSError when the kernel cannot be talked to."""

    def __init__(self) -> None:
        self._route: Any = None

    def send(self, operation: AddAddress | DeleteAddress) -> int:
        """Perform one operation; its errno, 0 where it took place."""
        from pyroute2 import NetlinkError  # noqa: PLC0415 - see the module's docstring

        address = operation.address
        index = _index(address.interface)
        if index is None:
            return ENODEV
        interface = ipaddress.ip_interface(address.address)
        try:
            self._socket().addr(
                "add" if isinstance(operation, AddAddress) else "del",
                index=index,
                address=str(interface.ip),
                prefixlen=interface.network.prefixlen,
                flags=_NODAD if interface.version == 6 else 0,
            )
        except NetlinkError as refused:
            return int(refused.code)
        return 0

    def on(self, interface: str) -> frozenset[Address]:
        """All addresses on an interface; none for an interface that is not there."""
        index = _index(interface)
        if index is None:
            return frozenset()
        return frozenset(Address(_text(message), interface) for message in self._socket().get_addr(index=index))

    def close(self) -> None:
        """Close the socket."""
        if self._route is not None:
            self._route.close()

    def _socket(self) -> Any:
        if self._route is None:
            from pyroute2 import IPRoute  # noqa: PLC0415 - see the module's docstring

            self._route = IPRoute()
        return self._route


def _index(interface: str) -> int | None:
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        return None


def _text(message: Any) -> str:
    # an address with a peer has the peer's in IFA_ADDRESS
    address = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    return str(ipaddress.ip_interface(f"{address}/{message['prefixlen']}"))
