"""What really happened: each probe as the reals' side of the wire saw it, each change as the kernel was told it.

Probes are TCP handshakes, seen where the reals are. Changes are messages to IPVS, seen by an ``nlmon`` device of the
director when they reach the kernel. Both have the kernel's timestamps, so programs of any kind are measured alike.
"""

import ipaddress
import struct
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

from bench.capture import Capture, Instruction
from lab.namespaces import in_namespace, ip
from lab.net import Network

SYN, REFUSAL = 0x02, 0x14  # TCP flags: SYN alone; RST and ACK, which is how a closed port answers a SYN
REALS_NETWORK = int(ipaddress.IPv4Address("10.2.0.0"))

PROBES: tuple[Instruction, ...] = (
    (0x28, 0, 0, 12),  # the ethertype
    (0x15, 0, 9, 0x0800),  # of IPv4, or drop
    (0x30, 0, 0, 47),  # the flags of TCP behind an IP header without options
    (0x15, 0, 2, REFUSAL),
    (0x20, 0, 0, 26),  # the source
    (0x05, 0, 0, 2),  # to the comparison of the network
    (0x15, 0, 4, SYN),
    (0x20, 0, 0, 30),  # the destination
    (0x54, 0, 0, 0xFFFF0000),
    (0x15, 0, 1, REALS_NETWORK),
    (0x06, 0, 0, 0xFFFF),
    (0x06, 0, 0, 0),
)
"""Classic BPF: SYNs to the reals' network, and its refusals."""

NEW_DESTINATION, SET_DESTINATION, DELETE_DESTINATION = 5, 6, 7
_NETLINK = struct.Struct("=IHHIIBBH")  # nlmsghdr and genlmsghdr
_ATTRIBUTE = struct.Struct("=HH")
_NLM_F_REQUEST = 1
_FIRST_FAMILY = 0x11  # generic netlink's own controller is 0x10


class Change(NamedTuple):
    """A message to IPVS about a real: when, which, and its weight from then on; None if it was taken out."""

    at: float
    address: str
    weight: int | None


class Witness:
    """Watches a network from entering the context until leaving it."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.probes: defaultdict[str, list[float]] = defaultdict(list)
        """The times of the SYNs to each address."""
        self.refusals: defaultdict[str, list[float]] = defaultdict(list)
        """The times of the resets from each address that answered a SYN."""
        self.probe_count = 0

    def __enter__(self) -> Self:
        with in_namespace(self._network.director):
            ip("link add changes type nlmon", "link set changes up")
        self._changes = Capture(self._network.director, "changes", keep=32000, frames=2048)
        self._probes = Capture(self._network.real_namespaces[0], "eth0", keep=60, frames=16384, accept=PROBES)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._probes.close()
        self._changes.close()
        with in_namespace(self._network.director):
            ip("link del changes")

    def look(self) -> list[Change]:
        """Take in the probes that came since the last look; the changes since then, in order."""
        for at, packet in self._probes.read():
            if packet[47] == SYN:
                self.probes[_address(packet[30:34])].append(at)
                self.probe_count += 1
            else:
                self.refusals[_address(packet[26:30])].append(at)
        return [change for at, packet in self._changes.read() for change in changes_in(at, packet)]

    def look_for(self, seconds: float) -> None:
        """Take in the probes of so many seconds."""
        end = time.time() + seconds
        while time.time() < end:
            time.sleep(0.1)
            self.look()

    def wait_for_all(self, addresses: Iterable[str], *, up: bool, since: float, timeout: float = 60.0) -> float:
        """When the last of these reals was put into (``up``) or out of service; raises TimeoutError."""
        missing, last = set(addresses), since
        deadline = time.time() + timeout
        while missing and time.time() < deadline:
            time.sleep(0.02)
            for change in self.look():
                if change.at >= since and bool(change.weight) == up and change.address in missing:
                    missing.remove(change.address)
                    last = change.at
        if missing:
            raise TimeoutError(f"{len(missing)} reals were not {'up' if up else 'out'} after {timeout:g} s")
        return last

    def wait_for(self, address: str, *, up: bool, since: float, timeout: float = 15.0) -> Change:
        """The first change since then that put the real in (``up``) or out of service; raises TimeoutError."""
        deadline = time.time() + timeout
        while time.time() < deadline:
            for change in self.look():
                if change.address == address and change.at >= since and bool(change.weight) == up:
                    return change
            time.sleep(0.02)
        raise TimeoutError(f"{address} was not {'put into' if up else 'taken out of'} service in {timeout:g} s")


def changes_in(at: float, packet: bytes) -> Iterator[Change]:
    """The changes of reals in what one program sent to generic netlink at once."""
    position = 0
    while position + _NETLINK.size <= len(packet):
        length, family, flags, _, _, command, _, _ = _NETLINK.unpack_from(packet, position)
        body = packet[position + _NETLINK.size : position + length]
        if flags & _NLM_F_REQUEST and family >= _FIRST_FAMILY:
            real = dict(_attributes(dict(_attributes(body)).get(2, b"")))
            if 1 in real and command in (NEW_DESTINATION, SET_DESTINATION):
                yield Change(at, _address(real[1][:4]), int.from_bytes(real[4], "little"))
            elif 1 in real and command == DELETE_DESTINATION:
                yield Change(at, _address(real[1][:4]), None)
        position += max(length + 3 & ~3, _NETLINK.size)


def _attributes(packed: bytes) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + _ATTRIBUTE.size <= len(packed):
        length, kind = _ATTRIBUTE.unpack_from(packed, position)
        yield kind & 0x3FFF, packed[position + _ATTRIBUTE.size : position + length]
        position += max(length + 3 & ~3, _ATTRIBUTE.size)


def _address(packed: bytes) -> str:
    return str(ipaddress.IPv4Address(packed))
