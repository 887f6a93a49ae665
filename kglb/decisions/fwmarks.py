"""Which mark does a real's check get, and where does the check connect to?

A mark belongs to a way: a real's address, one kind of forwarding, and one family of packets. All reals that are
reached by this way share it, whatever their ports and balancers. It is free again when the last of them releases it.
Free marks are taken in the order in which they became free (KgLb's fwmark_manager.go; CONFORMANCE D1 to D9).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from kglb.model import Endpoint, Forward, RealId, ServiceKey, Way


class MarkPool(Protocol):
    """What a choice needs to know of the marks."""

    def mark_of(self, way: Way) -> int | None:
        """The mark that the way has."""

    def found(self, way: Way) -> int | None:
        """The free mark that the kernel already has this way under."""

    def free(self) -> Iterable[int]:
        """The marks that no way has, the one that has been free for longest first."""


class Marked(NamedTuple):
    """The mark that a real has, and the way it stands for."""

    mark: int
    way: Way


class Changes(NamedTuple):
    """The reals that give their marks back, and those that need one."""

    released: tuple[RealId, ...]
    lacking: tuple[RealId, ...]


def choose_mark(way: Way, pool: MarkPool) -> int | None:
    """The mark for one more real on this way; None if there is none left."""
    known = pool.mark_of(way)
    if known is None:
        known = pool.found(way)
    return next(iter(pool.free()), None) if known is None else known


def mark_changes(held: Mapping[RealId, Marked], wanted: Mapping[RealId, Way], ours: range) -> Changes:
    """What brings one balancer's marks in step: its reals, their ways, and the marks that are ours to give."""
    released = tuple(real for real, (mark, way) in held.items() if wanted.get(real) != way or mark not in ours)
    kept = held.keys() - frozenset(released)
    return Changes(released, tuple(real for real in wanted if real not in kept))


def checked_at(service: ServiceKey, real: Endpoint, forward: Forward) -> Endpoint:
    """Where a marked check connects to: the VIP, at the port on which the packets reach the real.

    Only masquerading changes ports, and behind a mark it does not: the check asks for the real's port itself.

    >>> checked_at(ServiceKey("tcp", "192.0.2.1", 80), Endpoint("10.0.0.7", 8080), Forward("masquerade"))
    Endpoint(address='192.0.2.1', port=8080)
    """
    by_real = forward.method == "masquerade" or not service.port
    return Endpoint(service.address, real.port if by_real else service.port)
