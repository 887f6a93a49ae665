"""What the machine holds, did, and refused."""

import msgspec

from kglb.events.base import EventBase
from kglb.model import Address, Destination, Operation, RealId, Route, Service, ServiceId


class Entry(msgspec.Struct, frozen=True):
    """A whole service as found in the kernel."""

    service: Service
    destinations: tuple[Destination, ...]


class Unaccounted(msgspec.Struct, frozen=True, array_like=True):
    """A real that the kernel had with a weight of which this boot's journal says nothing, though it knows the real."""

    service: ServiceId
    real: RealId


class Adopted(EventBase, frozen=True, kw_only=True):
    """What the machine held of ours when the daemon started, whole; ``foreign`` services were counted and left alone.

    ``addresses`` are those of ours that were there, ``foreign_addresses`` those we want but somebody else put there:
    they are never deleted. With ``marked`` each of ours carries our mark, and whatever we add will, so that one without
    it is not ours. ``routes`` are those that the BGP engine announced for us. The reals that are
    ``unaccounted`` for are healthy from now on, until probes say otherwise (``kglb.decisions.accounting``).
    """

    entries: tuple[Entry, ...]
    addresses: tuple[Address, ...]
    foreign_addresses: tuple[Address, ...] = ()
    foreign: int
    routes: tuple[Route, ...] = ()
    unaccounted: tuple[Unaccounted, ...] = ()
    marked: bool = False


class OperationsApplied(EventBase, frozen=True, kw_only=True):
    """The machine did these operations, in this order, in so many microseconds; ``causes`` has a seq for each."""

    operations: tuple[Operation, ...]
    causes: tuple[int, ...]
    microseconds: int


class OperationFailed(EventBase, frozen=True, kw_only=True):
    """The machine, or the BGP engine, refused an operation; what is still wanted after reading back is tried again."""

    operation: Operation
    errno: int
    error: str


class DriftFound(EventBase, frozen=True, kw_only=True):
    """Somebody else changed what is ours: the operations that lead from what we knew to what was found."""

    changes: tuple[Operation, ...]


class EntryContested(EventBase, frozen=True, kw_only=True):
    """Somebody else changes one entry of ours again and again, ``drifts`` times by now: whoever does, we are not the
    only ones who want it their way. Its repair waits for ``hold`` seconds, if the last was but now; what we decide
    ourselves does not.
    """

    operation: Operation
    drifts: int
    hold: float


MachineEvent = Adopted | OperationsApplied | OperationFailed | DriftFound | EntryContested
