"""What IPVS has counted of a service and its destinations, as values. Read for metrics; nothing is decided by it."""

from collections.abc import Iterable

import msgspec

from kglb.model import RealId, ServiceId


class Traffic(msgspec.Struct, frozen=True, gc=False):
    """Since the entry was made. The kernel brings these up to date every 2 s."""

    connections: int = 0
    incoming_packets: int = 0
    outgoing_packets: int = 0
    incoming_bytes: int = 0
    outgoing_bytes: int = 0


class DestinationCounters(msgspec.Struct, frozen=True, gc=False):
    """One destination: its weight, its connections now (``active`` are the established ones), its traffic."""

    real: RealId
    weight: int
    active: int
    inactive: int
    traffic: Traffic


class ServiceCounters(msgspec.Struct, frozen=True):
    """One service. ``destinations`` are decoded by whoever iterates, and anew each time: in slices, where it suits."""

    id: ServiceId
    traffic: Traffic
    destinations: Iterable[DestinationCounters]
