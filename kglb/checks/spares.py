"""TCP sockets that have been disconnected and wait for their next connection.

connect(2) to AF_UNSPEC dissolves a TCP connection, and the socket may be connected again. The kernel does then what it
does for a close with SO_LINGER 0 (``tcp_disconnect``: a reset is sent, all that was queued is dropped, the port is
free), but a TCP check that passes costs two system calls, connect and disconnect, instead of socket, setsockopt,
connect and close. No thread switches in between: a call through ``PyDLL`` keeps the GIL.
"""

import ctypes
from socket import SocketType
from typing import Final

MOST: Final = 64
"""At most so many sockets wait: half of the descriptors that ``room`` leaves to the rest of the daemon."""

_NOBODY: Final = bytes(16)
"""A ``struct sockaddr`` whose family is AF_UNSPEC."""

_connect: Final = ctypes.PyDLL(None).connect
_connect.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)


class Spares:
    """Sockets by address family. All that differs between two of them is whom they were connected to."""

    __slots__ = ("_by_family", "_count")

    def __init__(self) -> None:
        self._by_family: dict[int, list[SocketType]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def take(self, family: int) -> SocketType | None:
        """A socket of this family that is connected to nobody, if there is one."""
        waiting = self._by_family.get(family)
        if not waiting:
            return None
        self._count -= 1
        return waiting.pop()

    def disconnect(self, sock: SocketType) -> None:
        """End the socket's connection with a reset, and keep it; close it where that cannot be, or enough wait."""
        if self._count >= MOST or _connect(sock.fileno(), _NOBODY, len(_NOBODY)):
            sock.close()
            return
        self._count += 1
        self._by_family.setdefault(sock.family, []).append(sock)

    def close(self) -> None:
        """Close all that wait."""
        for waiting in self._by_family.values():
            for sock in waiting:
                sock.close()
        self._by_family.clear()
        self._count = 0


SPARES: Final = Spares()
"""Those of this process; whoever probes closes them in the end."""
