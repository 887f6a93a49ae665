"""The reals of ``bench.capacity``: one server on a processor of its own, which can die, or answer no SYN any more.

It also says how punctual probes were, as it saw them: by how much each connection to an address came more than an
interval after the one before. Its own delays are in that, so what it says is an upper bound.
"""

import multiprocessing
import os
import select
import socket
import statistics
import time
from multiprocessing.connection import Connection
from typing import NamedTuple

from bench.arena import percentile
from bench.prober import serve as serve_http

BATCH = 64


class Seen(NamedTuple):
    """What the server saw of the probes: how many there were, and of their start lateness in milliseconds the median,
    the 99th percentile and the most.
    """

    checks: int
    median: float
    p99: float
    most: float


class Acceptor:
    """Accepts and hangs up until told to answer no SYN any more."""

    def __init__(self, orders: Connection) -> None:
        self._orders = orders
        self._listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
        self._listener.setblocking(False)
        self._interval: float | None = None
        self._last: dict[str, float] = {}
        self._late: list[float] = []
        self._count = 0

    def run(self) -> None:
        """Tell the port, then serve and follow orders."""
        self._orders.send(self._listener.getsockname()[1])
        while True:
            ready = select.select([self._listener.fileno(), self._orders.fileno()], [], [])[0]
            if self._orders.fileno() in ready and not self._obey():
                return
            self._accept()

    def _obey(self) -> bool:
        order = self._orders.recv()
        if order == "drop":
            self._listener.listen(0)  # one connection more, then SYNs are dropped
            self._orders.send(None)
            self._orders.recv()  # never comes
            return False
        if order is None:
            late, self._late = self._late, []
            self._interval = None
            self._orders.send(Seen(self._count, *_summary(late)))
        else:
            self._interval = order
            self._count = 0
            self._last.clear()
        return True

    def _accept(self) -> None:
        for _ in range(BATCH):
            try:
                connection, _ = self._listener.accept()
            except OSError:  # nobody waits, or is gone already
                return
            if self._interval is not None:
                self._note(connection, self._interval)
            connection.close()

    def _note(self, connection: socket.socket, interval: float) -> None:
        self._count += 1
        now, address = time.monotonic(), connection.getsockname()[0]
        if address in self._last:
            self._late.append((now - self._last[address] - interval) * 1000)
        self._last[address] = now


def _summary(late: list[float]) -> tuple[float, float, float]:
    return (statistics.median(late), percentile(late, 0.99), max(late)) if late else (0.0, 0.0, 0.0)


def _serve(orders: Connection, check: str) -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if check == "tcp":
        Acceptor(orders).run()
    else:
        serve_http(orders, check == "https")


class Server:
    """The reals, for a kind of check; ``watch``, ``seen`` and ``drop`` are for ``tcp`` alone."""

    def __init__(self, check: str = "tcp") -> None:
        self._counts = check == "tcp"
        self._orders, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, check), daemon=True)
        self._process = process
        process.start()
        self.port = int(self._orders.recv())

    def watch(self, interval: float) -> None:
        """Note from now on when each real is probed; ``interval`` in seconds."""
        if self._counts:
            self._orders.send(interval)

    def seen(self) -> Seen | None:
        """What was noted since then; None of another kind of check."""
        if not self._counts:
            return None
        self._orders.send(None)
        found: Seen = self._orders.recv()
        return found

    def drop(self) -> None:
        """Answer no SYN any more."""
        self._orders.send("drop")
        self._orders.recv()

    def die(self) -> None:
        """Refuse every SYN."""
        self._process.kill()
        self._process.join()
