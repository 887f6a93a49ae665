"""What the kernel answers: it is understood, or an OSError, whatever it is; never is there a wait for nothing.

An input is datagrams, each behind its length in two bytes; what they answer is asked as request, service and dump.
"""

import errno
from contextlib import suppress

from kglb.dataplane.ipvs_codec import ask_services, decode_destination, decode_service
from kglb.dataplane.ipvs_counters import decode_counters, decode_traffic
from kglb.dataplane.netlink import GenericNetlink

REQUESTS = [(1, b"")] * 3


class _Recorded:
    """A socket whose kernel has said these datagrams, and no more."""

    def __init__(self, datagrams: list[bytes]) -> None:
        self._datagrams = iter(datagrams)

    def send(self, message: bytes) -> int:
        return len(message)

    def recv(self, size: int, flags: int = 0) -> bytes:  # noqa: ARG002 - as a socket's
        datagram = next(self._datagrams, None)
        if datagram is None:
            raise BlockingIOError(errno.EAGAIN, "nothing more")
        return datagram[:size]


class _Scripted(GenericNetlink):
    """The family, over a recorded socket."""

    def __init__(self, datagrams: list[bytes]) -> None:
        self._socket = _Recorded(datagrams)  # type: ignore[assignment]  # as much of one as is used
        self._next = 1
        self._family = 32


def one_input(data: bytes) -> None:
    """Ask in each way, and decode what was answered."""
    datagrams = _datagrams(data)
    with suppress(OSError):
        assert len(_Scripted(datagrams).request(REQUESTS)) == len(REQUESTS)
    answers: list[memoryview] = []
    with suppress(OSError):
        answers.append(_Scripted(datagrams).get(ask_services()))
    with suppress(OSError):
        answers += _Scripted(datagrams).dump(ask_services())
    for answer in answers:
        for decode in (decode_service, decode_destination, decode_traffic, decode_counters):
            with suppress(OSError):
                decode(answer)


def _datagrams(data: bytes) -> list[bytes]:
    datagrams = []
    while data:
        size = int.from_bytes(data[:2], "little")
        datagrams.append(data[2 : 2 + size])
        data = data[2 + size :]
    return datagrams
