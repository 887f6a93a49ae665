"""News that an address has left this machine: a netlink socket that the event loop reads. IPVS has no such news.

It does not say which address: whoever is told compares. It changes nothing. (pyroute2 has this too, but its core does
not run on uvloop, and a thread that waits in it would take the interpreter from the loop.)
"""

import asyncio
import errno
import socket
from collections.abc import Callable

from kglb.dataplane.netlink import messages

_RTMGRP_IPV4_IFADDR = 0x10
_RTMGRP_IPV6_IFADDR = 0x100
_RTM_DELADDR = 21
_RECEIVE_SIZE = 64 * 1024
_MOST_AT_ONCE = 16
"""Datagrams read in one turn of the loop."""


class AddressNews:
    """Of the network namespace in which it is made, on a running loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the socket. Raises OSError where the kernel does not allow it."""
        self._loop = loop
        self._told: Callable[[], None] = lambda: None
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        try:
            self._socket.bind((0, _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV6_IFADDR))
        except BaseException:
            self._socket.close()
            raise
        loop.add_reader(self._socket.fileno(), self._hear)

    def on_loss(self, told: Callable[[], None]) -> None:
        """Have ``told`` called, and nobody else, whenever an address has left an interface."""
        self._told = told

    def _hear(self) -> None:
        lost = False
        for _ in range(_MOST_AT_ONCE):
            try:
                datagram = self._socket.recv(_RECEIVE_SIZE)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                lost = True  # so was news, of whatever it was
            else:
                lost |= any(kind == _RTM_DELADDR for kind, *_ in messages(datagram))
        if lost:
            self._told()

    def close(self) -> None:
        """Listen no more."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
