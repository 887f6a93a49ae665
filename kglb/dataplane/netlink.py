"""A netlink socket, and one for a generic netlink family: batches of requests in one send, and dumps.

It knows the framing (``man 7 netlink``, ``linux/genetlink.h``) and nothing of what is inside the messages.
The kernel handles a request within ``send``, and queues the next part of a dump within ``recv``: so an
answer is there when we look for it, or it was lost. Not thread-safe, and never to be used on an event loop.
"""

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import TypeVar

T = TypeVar("T")

_CONTROLLER = 16  # the family that knows the families (GENL_ID_CTRL)
_GET_FAMILY = 3
_FAMILY_ID = 1
_FAMILY_NAME = 2

_ERROR = 2
_DONE = 3
_REQUEST = 0x1
_ACK = 0x4
_DUMP_INTERRUPTED = 0x10
_DUMP = 0x300

_NETLINK_GENERIC = 16
_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10  # a refusal need not repeat the whole request
_SO_RCVBUFFORCE = 33
_RECEIVE_BUFFER = 4 << 20  # bytes of queue in the kernel
_RECEIVE_SIZE = 64 << 10  # bytes of one recv; the kernel puts up to 32 KiB of a dump into one
_RECEIVE_TIMEOUT = struct.pack("@ll", 5, 0)  # s, us; only a lost answer ever waits
_DUMP_ATTEMPTS = 5

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, kind, flags, sequence, port
_HEADERS = struct.Struct("=IHHIIBBH")  # nlmsghdr, then genlmsghdr: command, version, reserved
_ATTRIBUTE = struct.Struct("=HH")  # nlattr: length, type
_LARGEST_ERRNO = 4095  # MAX_ERRNO of linux/err.h
_CODE = struct.Struct("=i")

Attributes = dict[int, memoryview]
Request = tuple[int, bytes]
"""A type of message, or a command of the generic family, and what follows the header, packed."""


def attribute(kind: int, value: bytes) -> bytes:
    """Pack one netlink attribute, padded to four bytes."""
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def attributes(packed: memoryview) -> Attributes:
    """Split packed attributes into their values by kind, without the flags of nesting and byte order."""
    values = {}
    position, end = 0, len(packed)
    while position + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(packed, position)
        if length < 4:
            break
        values[kind & 0x3FFF] = packed[position + 4 : position + length]
        position += length + 3 & ~3
    return values


class Netlink:
    """A socket of one netlink protocol, such as ``socket.NETLINK_ROUTE``."""

    _skipped = 0  # bytes before what an answer says

    def __init__(self, protocol: int) -> None:
        """Open a socket; raises OSError where the kernel does not allow it."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
        self._next = 1
        try:
            self._prepare()
        except BaseException:
            self._socket.close()
            raise

    def _prepare(self) -> None:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._socket.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _RECEIVE_TIMEOUT)
        self._socket.bind((0, 0))

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def request(self, requests: Sequence[Request], flags: int = 0) -> list[int]:
        """Send a batch of requests at once, with these flags too; the errno of each, 0 where the kernel did it.

        Each request stands alone: an error in one does not stop those after it. Only the last asks for an
        acknowledgement; the others answer only if they fail. Where the kernel lost answers (its queue was
        full), those not known to have failed come back as ENOBUFS.
        """
        first = self._take(len(requests))
        marks = [_REQUEST | flags] * (len(requests) - 1) + [_REQUEST | _ACK | flags]
        self._socket.send(b"".join(map(self._pack, requests, marks, range(first, first + len(requests)))))
        errors = [0] * len(requests)
        if not self._collect(first, errors):
            return [error or errno.ENOBUFS for error in errors]
        return errors

    def get(self, request: Request) -> memoryview:
        """Send one request and return the attributes of its answer; raises the kernel's OSError."""
        answers, _ = self._ask(request, _ACK)
        if len(answers) != 1:
            raise malformed(f"{len(answers)} answers to one question")
        return answers[0]

    def dump(self, request: Request) -> list[memoryview]:
        """Read a whole table, again if it changed meanwhile and the kernel says so; raises its OSError."""
        for _ in range(_DUMP_ATTEMPTS):
            answers, interrupted = self._ask(request, _DUMP)
            if not interrupted:
                return answers
        raise OSError(errno.EAGAIN, f"the table changed during each of {_DUMP_ATTEMPTS} attempts to read it")

    def _take(self, count: int) -> int:
        """The first of ``count`` sequence numbers in a row, none of them 0 or beyond 32 bits."""
        if self._next + count > 1 << 32:
            self._next = 1
        first = self._next
        self._next += count
        return first

    def _pack(self, request: Request, flags: int, sequence: int) -> bytes:
        kind, body = request
        return _HEADER.pack(16 + len(body), kind, flags, sequence, 0) + body

    def _collect(self, first: int, errors: list[int]) -> bool:
        """Fill in the errnos until the last request is acknowledged; False if answers were lost."""
        lost = False
        while True:
            try:
                datagram = self._socket.recv(_RECEIVE_SIZE, socket.MSG_DONTWAIT if lost else 0)
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    return False
                if error.errno != errno.ENOBUFS:
                    raise
                lost = True
                continue
            for kind, _, sequence, body in messages(datagram):
                index = sequence - first
                if kind == _ERROR and 0 <= index < len(errors):
                    errors[index] = _errno(body)
                    if index == len(errors) - 1 and not lost:
                        return True

    def _ask(self, request: Request, flags: int) -> tuple[list[memoryview], bool]:
        """What each answer to one request says, and whether the table changed while it was read."""
        asked = self._take(1)
        self._socket.send(self._pack(request, _REQUEST | flags, asked))
        answers: list[memoryview] = []
        interrupted = False
        while True:
            for kind, marks, sequence, body in messages(self._socket.recv(_RECEIVE_SIZE)):
                if sequence != asked:
                    continue
                interrupted |= bool(marks & _DUMP_INTERRUPTED)
                if kind not in (_ERROR, _DONE):
                    answers.append(body[self._skipped :])
                elif number := _errno(body):
                    raise OSError(number, os.strerror(number))
                else:
                    return answers, interrupted


class GenericNetlink(Netlink):
    """A socket bound to one generic netlink family of version 1; answers are their attributes."""

    _skipped = 4  # the generic header

    def __init__(self, family: str) -> None:
        """Open a socket and look the family up; FileNotFoundError where the kernel has none of that name."""
        super().__init__(_NETLINK_GENERIC)
        self._family = _CONTROLLER
        try:
            family_id = _family_id(self.get((_GET_FAMILY, attribute(_FAMILY_NAME, family.encode() + b"\0"))))
        except BaseException:
            self.close()
            raise
        self._family = family_id

    def _pack(self, request: Request, flags: int, sequence: int) -> bytes:
        command, body = request
        return _HEADERS.pack(20 + len(body), self._family, flags, sequence, 0, command, 1, 0) + body


def messages(datagram: bytes) -> Iterator[tuple[int, int, int, memoryview]]:
    """Type, flags, sequence number and body of each message in what one recv returned; OSError where it has none."""
    view = memoryview(datagram)
    position = 0
    while position + 16 <= len(view):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(view, position)
        if length < 16:
            raise malformed(f"a message of {length} bytes")
        yield kind, flags, sequence, view[position + 16 : position + length]
        position += length + 3 & ~3


def malformed(what: str) -> OSError:
    """The error for an answer that is not laid out as the kernel lays it out."""
    return OSError(errno.EPROTO, f"the kernel's answer is not understood: {what}")


def understood(decode: Callable[[memoryview], T]) -> Callable[[memoryview], T]:
    """Have a decoder of answers raise OSError (EPROTO) for one that lacks something, or has it in another shape."""

    @wraps(decode)
    def decoded(answer: memoryview) -> T:
        try:
            return decode(answer)
        except (KeyError, IndexError, ValueError, struct.error) as error:
            raise malformed(repr(error)) from error

    return decoded


@understood
def _family_id(answer: memoryview) -> int:
    return int.from_bytes(attributes(answer)[_FAMILY_ID], sys.byteorder)


def _errno(body: memoryview) -> int:
    if len(body) < _CODE.size:
        raise malformed("an error without a number")
    number = -int(_CODE.unpack_from(body)[0])
    if not 0 <= number <= _LARGEST_ERRNO:
        raise malformed(f"the error {number}")
    return number
