"""Opens the sockets of probes, and says whom an errno accuses: the real or this machine.

Nothing here blocks or waits. TCP connections close with a reset (SO_LINGER 0) unless told otherwise: thousands
of checks a second that close with FIN would fill the kernel's TIME_WAIT table. Sockets with no property of their own
(source, mark) serve one connection after the other, see ``spares``.
"""

import errno
import os
import struct
from socket import (
    AF_INET,
    AF_INET6,
    IP_BIND_ADDRESS_NO_PORT,
    IPPROTO_ICMP,
    IPPROTO_ICMPV6,
    IPPROTO_IP,
    IPPROTO_TCP,
    IPPROTO_UDP,
    SO_LINGER,
    SO_MARK,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_NONBLOCK,
    SOCK_RAW,
    SOCK_STREAM,
    SOL_SOCKET,
    SocketType,
)
from typing import Final

from kglb.checks.outcome import Verdict
from kglb.checks.spares import SPARES
from kglb.model.endpoint import Endpoint

SocketAddress = tuple[str, int]

_FLAGS: Final = int(SOCK_NONBLOCK | SOCK_CLOEXEC)
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)

OUT_OF_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})
"""A probe that meets one of these waits for a descriptor; it has not been made yet."""

_REFUSED: Final = "refused"
_RESET: Final = "reset"
_NO_ROUTE: Final = "no route to host"
_UNREACHABLE: Final = "network unreachable"
_PROHIBITED: Final = "prohibited"

_REASONS: Final = {
    errno.ECONNREFUSED: _REFUSED,
    errno.ECONNRESET: _RESET,
    errno.EPIPE: _RESET,
    errno.ETIMEDOUT: "timeout of the kernel",
    errno.EHOSTUNREACH: _NO_ROUTE,
    errno.EHOSTDOWN: _NO_ROUTE,
    errno.ENETUNREACH: _UNREACHABLE,
    errno.ENONET: _UNREACHABLE,
    errno.ENOPROTOOPT: "protocol unreachable",
}
"""The errnos that accuse the real, or the way to it.

ECONNREFUSED, ECONNRESET, EPIPE
    A host answered, and the answer was no.
ETIMEDOUT
    The kernel gave up retransmitting before our own timeout: nobody answered.
EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENONET, ENOPROTOOPT
    A router said so by ICMP, or our neighbour and routing tables do. The latter is no local fault: IPVS
    forwards by the same tables, so what we cannot reach, no client reaches through us.

Every other errno is *unknown*, because it speaks of this machine: EMFILE, ENFILE, ENOBUFS, ENOMEM
(resources), EADDRNOTAVAIL, EADDRINUSE, EAGAIN (no free port, or a source address that is not here), EPERM,
EACCES (a firewall or a ``prohibit`` route of this host), and whatever nobody thought of: a real is not taken
out for what we do not understand. EACCES that arrives later is the exception, see ``verdict_of``.
"""


class Dialer:
    """How probes connect: from an address ("": the kernel chooses one), under a fwmark (0: none).

    With ``fin`` a TCP connection closes in order instead of with a reset.
    """

    __slots__ = ("fin", "mark", "source")

    def __init__(self, source: str = "", mark: int = 0, *, fin: bool = False) -> None:
        self.source = source
        self.mark = mark
        self.fin = fin

    def dial(self, target: Endpoint) -> SocketType:
        """Begin a TCP connection, without waiting for it, and hand back its socket.

        Raises OSError for what fails at once, with nothing left open; ``verdict_of`` says what it means.
        """
        family = _family(target)
        spare = SPARES.take(family) if self._is_plain else None
        if spare is None:
            return self._connect(SocketType(family, SOCK_STREAM | _FLAGS, IPPROTO_TCP), target)
        return _begin(spare, target)

    def hang_up(self, sock: SocketType) -> None:
        """End an established connection that ``dial`` began."""
        if self._is_plain:
            SPARES.disconnect(sock)
        else:
            sock.close()

    @property
    def _is_plain(self) -> bool:
        return not (self.source or self.mark or self.fin)

    def dial_udp(self, target: Endpoint) -> SocketType:
        """A UDP socket that hears this target alone, and of its ICMP errors. Raises OSError as ``dial``."""
        return self._connect(SocketType(_family(target), SOCK_DGRAM | _FLAGS, IPPROTO_UDP), target)

    def dial_icmp(self, target: Endpoint) -> SocketType:
        """An ICMP socket that hears this target alone: an unprivileged one (icmp(7)), else a raw one.

        Raises PermissionError where neither is allowed, other OSErrors as ``dial``.
        """
        protocol = IPPROTO_ICMPV6 if target.is_ipv6 else IPPROTO_ICMP
        try:
            sock = SocketType(_family(target), SOCK_DGRAM | _FLAGS, protocol)
        except PermissionError:
            sock = SocketType(_family(target), SOCK_RAW | _FLAGS, protocol)
        return self._connect(sock, Endpoint(target.address, 0))

    def _connect(self, sock: SocketType, target: Endpoint) -> SocketType:
        try:
            if not self.fin:
                sock.setsockopt(SOL_SOCKET, SO_LINGER, _RESET_ON_CLOSE)
            if self.mark:
                sock.setsockopt(SOL_SOCKET, SO_MARK, self.mark)
            if self.source:
                # The port is chosen at the connect: unique to the target, not to the source address.
                sock.setsockopt(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                sock.bind((self.source, 0))
        except BaseException:
            sock.close()
            raise
        return _begin(sock, target)


def _family(target: Endpoint) -> int:
    return AF_INET6 if ":" in target.address else AF_INET


def _begin(sock: SocketType, target: Endpoint) -> SocketType:
    try:
        error = sock.connect_ex((target.address, target.port))
    except BaseException:
        sock.close()
        raise
    if error and error != errno.EINPROGRESS:
        sock.close()
        raise OSError(error, os.strerror(error))
    return sock


def verdict_of(code: int | None, *, at_once: bool = False) -> Verdict:
    """What an errno says of the real: a failure, or unknown when it speaks of this machine.

    ``at_once`` is for what a system call of the dialing itself answered. EACCES is local then, but what an
    ICMPv6 "administratively prohibited" leaves on the socket later comes from a router near the real.
    """
    detail = os.strerror(code) if code is not None and code > 0 else ""
    reason = _REASONS.get(code or 0)
    if reason is None and code == errno.EACCES and not at_once:
        reason = _PROHIBITED
    if reason is not None:
        return Verdict("failure", reason, detail)
    name = errno.errorcode.get(code or 0, str(code))
    return Verdict("unknown", f"local error {name}", detail)
