"""Tells systemd how the daemon is: the protocol of sd_notify(3), in a few lines. Without systemd it says nothing.

    READY=1        once the machine was read and the actors run, and after each reload
    STATUS=        one line for ``systemctl status``, when it changes
    RELOADING=1    while a config is being read and put in force, with MONOTONIC_USEC
    STOPPING=1     once the daemon begins to stop
    WATCHDOG=1     at half of WATCHDOG_USEC, while there is progress: not because a timer still turns

Nothing here ever raises for what the other side does, and nothing waits for it.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress

BEAT = 1.0
"""Seconds between two looks at the status line, and at most between two signs of life."""


class ServiceManager:
    """The way to whoever supervises this process; ``watchdog`` is in seconds, 0 where no sign of life is wanted."""

    def __init__(self, address: str, watchdog: float = 0.0) -> None:
        """``address`` is a path, ``@`` and an abstract name, or empty for nobody."""
        self.watchdog = watchdog
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address:
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_UNIX, kind)

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str], pid: int) -> "ServiceManager":
        """As systemd's variables say, which are taken out, so that no program we start speaks in our name."""
        address = environ.pop("NOTIFY_SOCKET", "")
        microseconds, meant = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", str(pid))
        watched = microseconds.isdecimal() and meant == str(pid)
        return cls(address if address[:1] in ("/", "@") else "", int(microseconds) / 1e6 if watched else 0.0)

    @property
    def listens(self) -> bool:
        """Whether there is anybody to tell."""
        return self._socket is not None

    def tell(self, **fields: object) -> None:
        """Send these assignments in one datagram."""
        if self._socket is not None:
            text = "\n".join(f"{name}={value}" for name, value in fields.items())
            with suppress(OSError):  # it went away, or does not read: nothing of ours depends on it
                self._socket.sendto(text.encode(), self._address)

    def reloading(self) -> None:
        """We read our config again; READY=1 is to follow."""
        self.tell(RELOADING=1, MONOTONIC_USEC=time.monotonic_ns() // 1000)

    def close(self) -> None:
        """Say no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Heartbeat:
    """Says that we serve, how we are as long as the loop turns, and that we are alive as long as there is progress.

    ``status`` makes the line, ``progresses`` says whether the daemon does what it is for.
    """

    def __init__(self, manager: ServiceManager, status: Callable[[], str], progresses: Callable[[], bool]) -> None:
        self._manager = manager
        self._status = status
        self._progresses = progresses
        self._said = ""
        self._loop = asyncio.get_running_loop()
        self._interval = min(BEAT, manager.watchdog / 2 or BEAT)
        self._timer: asyncio.TimerHandle | None = None
        if manager.listens:
            manager.tell(READY=1)
            self._beat()

    def _beat(self) -> None:
        status = self._status()
        if status != self._said:
            self._said = status
            self._manager.tell(STATUS=status)
        if self._manager.watchdog and self._progresses():
            self._manager.tell(WATCHDOG=1)
        self._timer = self._loop.call_later(self._interval, self._beat)

    def close(self) -> None:
        """Stop."""
        if self._timer is not None:
            self._timer.cancel()


def manager_of_this_process() -> ServiceManager:
    """Whoever started this process and wants to hear of it."""
    return ServiceManager.from_environment(os.environ, os.getpid())
