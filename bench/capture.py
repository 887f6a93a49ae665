"""Sees packets with the kernel's own timestamps, without a system call for each: a packet socket's ring in memory.

So the witness of a measurement costs the one CPU of the lab next to nothing, and a time is when the packet passed, not
when somebody got round to look. See ``packet(7)`` and ``linux/if_packet.h``. Nothing is ever sent.
"""

import ctypes
import mmap
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lab.namespaces import in_namespace

_ETH_P_ALL = 3
_SOL_PACKET = 263
_PACKET_RX_RING = 5
_PACKET_VERSION = 10
_TPACKET_V2 = 1
_SO_ATTACH_FILTER = 26
_BLOCK = 1 << 16
_REQUEST = struct.Struct("=IIII")  # tpacket_req: block size, blocks, frame size, frames
_HEADER = struct.Struct("=IIIHHII")  # tpacket2_hdr: status, length, captured, link and network offset, s, ns
_STATUS = struct.Struct("=I")
_INSTRUCTION = struct.Struct("=HBBI")  # sock_filter: code, jump if true, jump if false, operand

Instruction = tuple[int, int, int, int]


class Frame(NamedTuple):
    """A packet: when it passed (``time.time()`` seconds) and its first bytes."""

    at: float
    content: bytes


class Capture:
    """What passes an interface of a namespace, from now until ``close``.

    ``keep`` is how many bytes of each packet are kept at most, ``frames`` how many packets may wait to be read; when
    they do, the next are lost. ``accept`` is a classic BPF program, which says what is captured at all.
    """

    def __init__(
        self, namespace: str, interface: str, *, keep: int, frames: int, accept: Sequence[Instruction] = ()
    ) -> None:
        size = 1 << (keep + 127).bit_length()
        self._frame_size, self._frames = size, frames
        with in_namespace(namespace):
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            if accept:
                _attach(self._socket, accept)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V2)
            ring = _REQUEST.pack(_BLOCK, frames * size // _BLOCK, size, frames)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, ring)
            self._ring = mmap.mmap(self._socket.fileno(), frames * size)
            self._socket.bind((interface, _ETH_P_ALL))
        self._next = 0

    def read(self) -> Iterator[Frame]:
        """All that passed since the last time, in order."""
        while True:
            base = self._next * self._frame_size
            status, _, captured, link, _, seconds, nanoseconds = _HEADER.unpack_from(self._ring, base)
            if not status & 1:
                return
            content = self._ring[base + link : base + link + captured]
            _STATUS.pack_into(self._ring, base, 0)
            self._next = (self._next + 1) % self._frames
            yield Frame(seconds + nanoseconds / 1e9, content)

    def close(self) -> None:
        """Capture no more."""
        self._ring.close()
        self._socket.close()


def _attach(packets: socket.socket, program: Sequence[Instruction]) -> None:
    code = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*step) for step in program))
    packets.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(code)))
