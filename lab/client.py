"""A client that keeps asking a VIP at a steady rate, and notes who answered or what failed.

It runs on a thread of its own, in the client's namespace. Each request is a new connection. Requests overlap:
one that hangs delays no other.
It asks over HTTP and judges nothing: the record is for the test, or the person, that looks at it.
"""

import asyncio
import errno
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from lab.namespaces import enter

REQUEST = b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


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
    """Requests from entering the context until leaving it; those under way are then waited for.

    ``rate`` is requests a second; ``timeout`` in seconds bounds each of them from connect to answer: long by default,
    for a machine that is busy (what meets no service or no real is refused at once). Samples are in the order in which
    their requests ended.
    """

    def __init__(self, namespace: str, vip: str, port: int = 80, *, rate: float = 50.0, timeout: float = 10.0) -> None:
        self.namespace = namespace
        self.vip = vip
        self.port = port
        self.interval = 1 / rate
        self.timeout = timeout
        self._samples: list[Sample] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lab-client", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def wait(self, requests: int, timeout: float = 60.0) -> None:
        """Return when this many more requests have finished; raises TimeoutError after ``timeout`` s."""
        target = len(self._samples) + requests
        deadline = time.monotonic() + timeout
        while len(self._samples) < target:
            if time.monotonic() > deadline:
                missing = target - len(self._samples)
                raise TimeoutError(f"{missing} of {requests} requests had not finished after {timeout:g} s")
            time.sleep(0.005)

    def samples(self, since: float = 0.0) -> list[Sample]:
        """The finished requests that started at ``since`` (monotonic seconds) or later."""
        return [sample for sample in self._samples if sample.at >= since]

    def failures(self, since: float = 0.0) -> list[Sample]:
        """Those of ``samples`` that no real answered."""
        return [sample for sample in self.samples(since) if sample.error]

    def answered(self, since: float = 0.0) -> Counter[str]:
        """How many of ``samples`` each real answered."""
        return Counter(sample.real for sample in self.samples(since) if sample.real)

    def _run(self) -> None:
        enter(self.namespace)
        asyncio.run(self._keep_asking())

    async def _keep_asking(self) -> None:
        due = time.monotonic()
        async with asyncio.TaskGroup() as requests:
            while not self._stopping.is_set():
                requests.create_task(self._sample())
                due = max(due + self.interval, time.monotonic() - self.interval)
                await asyncio.sleep(due - time.monotonic())

    async def _sample(self) -> None:
        at = time.monotonic()
        real = error = ""
        try:
            real, error = await asyncio.wait_for(self._ask(), self.timeout)
        except TimeoutError:
            error = "timeout"
        except OSError as failure:
            error = errno.errorcode.get(failure.errno or 0, str(failure))
        self._samples.append(Sample(at, time.monotonic() - at, real, error))

    async def _ask(self) -> tuple[str, str]:
        """One request: the real's name, or what was wrong with the answer."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET6 if ":" in self.vip else socket.AF_INET) as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            await loop.sock_connect(connection, (self.vip, self.port))
            await loop.sock_sendall(connection, REQUEST)
            answer = (await loop.sock_recv(connection, 4096)).decode()
        status, _, rest = answer.partition("\r\n")
        if status.split(" ")[1:2] != ["200"]:
            return "", status or "closed"
        return rest.rpartition("\r\n\r\n")[2].strip(), ""
