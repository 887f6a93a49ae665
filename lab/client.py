"""A client that keeps asking a VIP, a new connection each time at a steady rate, and notes who answered or what failed.

It runs on a thread of its own, in the client's namespace. Requests overlap: one that hangs delays no other.
It asks over HTTP and judges nothing: the record is for the test, or the person, that looks at it.
"""

import errno
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from lab.namespaces import enter

REQUEST = b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
MAX_OPEN = 500
"""Requests under way at most: beyond that the client is slower than its rate."""


@dataclass(frozen=True)
class Sample:
    """One request: when it started and how long it took (monotonic seconds), and its outcome.

    Either ``real`` is the name that answered 200, or ``error`` says what happened instead: an errno's name,
    ``timeout``, ``closed`` or the answer's status line.
    """

    at: float
    took: float
    real: str = ""
    error: str = ""


class Client:
    """Requests from entering the context until leaving it; the last of them are then waited for.

    ``rate`` is requests a second, ``timeout`` in seconds bounds each of them from connect to answer.
    """

    def __init__(self, namespace: str, vip: str, port: int = 80, *, rate: float = 50.0, timeout: float = 1.0) -> None:
        self.namespace = namespace
        self.vip = vip
        self.port = port
        self.interval = 1 / rate
        self.timeout = timeout
        self._samples: list[Sample] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-client", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(self.timeout + 5)

    def samples(self, since: float = 0.0) -> list[Sample]:
        """The finished requests that started at ``since`` (monotonic seconds) or later, in order of their end."""
        return [sample for sample in self._samples if sample.at >= since]

    def failures(self, since: float = 0.0) -> list[Sample]:
        """Those of ``samples`` that no real answered."""
        return [sample for sample in self.samples(since) if sample.error]

    def answered(self, since: float = 0.0) -> dict[str, int]:
        """How many of ``samples`` each real answered."""
        counts: dict[str, int] = {}
        for sample in self.samples(since):
            if sample.real:
                counts[sample.real] = counts.get(sample.real, 0) + 1
        return counts

    def _run(self) -> None:
        enter(self.namespace)
        with selectors.DefaultSelector() as selector:
            due = time.monotonic()
            while not self._stop.is_set() or selector.get_map():
                now = time.monotonic()
                if not self._stop.is_set() and now >= due and len(selector.get_map()) < MAX_OPEN:
                    self._start(selector, now)
                    due = max(due + self.interval, now - self.interval)
                for key, _ in selector.select(max(0.0, min(due - time.monotonic(), 0.05))):
                    self._advance(selector, key)
                self._expire(selector)

    def _start(self, selector: selectors.BaseSelector, now: float) -> None:
        family = socket.AF_INET6 if ":" in self.vip else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        number = connection.connect_ex((self.vip, self.port))
        if number in (0, errno.EINPROGRESS):
            selector.register(connection, selectors.EVENT_WRITE, _Request(now))
        else:
            connection.close()
            self._samples.append(Sample(now, 0.0, error=errno.errorcode[number]))
