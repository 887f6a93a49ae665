"""The vigil: holds one idle connection to each real that is watched, and tells at once when one ends.

It notices within a fraction of a millisecond what the real's kernel says (a process that ends, a reset, a close), and
nothing else: not a program that hangs, not a machine that is lost. And servers close what is idle. So a loss is a
reason to probe, never a verdict; how soon the next connection follows is in ``eagerness``. (PyBal's IdleConnection.)

An idle connection costs no time and 2.7 KiB of the kernel's memory. Nothing is sent but keepalives, whose times differ
from connection to connection: fifteen thousand in step would be a burst that loses some of them. Nothing is read; what
a server says unasked waits in a buffer of the smallest size. The vigil makes no probe, records nothing, and knows no
health.
"""

import asyncio
from collections.abc import Callable
from random import Random
from select import EPOLLRDHUP, epoll
from socket import (
    IPPROTO_TCP,
    SO_ERROR,
    SO_KEEPALIVE,
    SO_RCVBUF,
    SOL_SOCKET,
    TCP_KEEPCNT,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    SocketType,
)
from typing import Final

from kglb.checks.dial import Dialer, verdict_of
from kglb.checks.eagerness import Eagerness
from kglb.checks.room import default_room
from kglb.model.endpoint import Endpoint

KEEPALIVE_IDLE: Final = (30, 60)
KEEPALIVE_INTERVAL: Final = (5, 15)
"""Seconds without traffic before the first keepalive, and between those without an answer: at least, at most."""
KEEPALIVE_COUNT: Final = 3
"""Keepalives without an answer that end a connection."""

BATCH: Final = 256
"""Losses told in one turn of the loop."""

Lost = Callable[["IdleConnection", str, float], None]
"""Told which connection ended, how (``closed``, or a short stable reason), and after how many seconds."""


class IdleConnection:
    """A connection to be held to one real. Made once; all but ``lost`` belongs to the vigil."""

    __slots__ = ("dialer", "eagerness", "fd", "lost", "opened", "sock", "target")

    def __init__(self, target: Endpoint, dialer: Dialer, lost: Lost) -> None:
        self.target = target
        self.dialer = dialer
        self.lost = lost
        self.eagerness = Eagerness()
        self.sock: SocketType | None = None
        self.fd = -1
        self.opened = 0.0


class Vigil:
    """The ``VigilPort`` of production. One per process, on a running event loop.

    ``clock`` gives seconds. ``room`` is how many connections are held at most; by default half of what the descriptor
    limit allows to checks, so that there are always descriptors to probe with. A real beyond that is only probed.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        clock: Callable[[], float] | None = None,
        room: int | None = None,
        random: Random | None = None,
    ) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._clock = clock or self._loop.time
        self._room = default_room() // 2 if room is None else room
        self._random = random or Random()  # noqa: S311 - for jitter
        self._held: dict[int, IdleConnection] = {}
        self._epoll = epoll()
        self._closed = False
        self._loop.add_reader(self._epoll.fileno(), self._hear)

    def __len__(self) -> int:
        """How many connections are held."""
        return len(self._held)

    def hold(self, idle: IdleConnection) -> None:
        """A probe of the real has passed: hold the connection, open or renew it, as far as past losses allow."""
        now = self._clock()
        if idle.sock is None:
            if idle.eagerness.may_open(now):
                self._open(idle, now)
        elif idle.eagerness.should_renew(now - idle.opened):
            self._hang_up(idle)
            self._open(idle, now)

    def release(self, idle: IdleConnection) -> None:
        """Hold the connection no more and forget past losses; nothing is told of it."""
        if idle.sock is not None:
            self._hang_up(idle)
        idle.eagerness = Eagerness()

    async def close(self) -> None:
        """Release all, for good."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._epoll.fileno())
        for idle in list(self._held.values()):
            self._hang_up(idle)
        self._epoll.close()

    def _open(self, idle: IdleConnection, now: float) -> None:
        if self._closed or len(self._held) >= self._room:
            return
        try:
            sock = idle.dialer.dial(idle.target)
        except OSError:
            return  # what is wrong is for the probes to say; after the next that passes we try again
        self._keep_alive(sock)
        try:
            self._epoll.register(sock.fileno(), EPOLLRDHUP)
        except OSError:
            sock.close()
            return  # the user has no more watches (fs.epoll.max_user_watches): the real is only probed
        idle.sock, idle.fd, idle.opened = sock, sock.fileno(), now
        self._held[idle.fd] = idle

    def _keep_alive(self, sock: SocketType) -> None:
        sock.setsockopt(SOL_SOCKET, SO_RCVBUF, 1)
        sock.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, self._random.randint(*KEEPALIVE_IDLE))
        sock.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, self._random.randint(*KEEPALIVE_INTERVAL))
        sock.setsockopt(IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT)
        sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)

    def _hear(self) -> None:
        now = self._clock()
        for fd, _ in self._epoll.poll(0, BATCH):
            idle = self._held[fd]
            assert idle.sock is not None
            error = idle.sock.getsockopt(SOL_SOCKET, SO_ERROR)
            lived = now - idle.opened
            self._hang_up(idle)
            idle.eagerness.lost(lived)
            idle.lost(idle, verdict_of(error).reason if error else "closed", lived)

    def _hang_up(self, idle: IdleConnection) -> None:
        assert idle.sock is not None
        del self._held[idle.fd]
        self._epoll.unregister(idle.fd)  # a child between fork and exec would keep a closed socket registered
        idle.sock.close()
        idle.sock = None
