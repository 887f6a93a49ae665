"""Firewall marks for health checks: a marked connection to the VIP takes exactly one way, to exactly one real.

Behind each mark stands a service ``fwmark://MARK`` with that real as its only destination.
"""

import msgspec

from kglb.model.endpoint import Endpoint
from kglb.model.service import Destination, Forward, Service, ServiceId, ServiceKey

_WEIGHT = 1
"""Of the one destination. It must be above 0, and ``rr`` asks no more of it (CONFORMANCE D12: always up)."""


class Way(msgspec.Struct, frozen=True):
    """How packets of one family get to a real: its address and the forwarding. Each way has a mark of its own.

    Not the port: behind a mark a packet keeps the port it was sent to.
    """

    address: str
    forward: Forward
    ipv6: bool

    def __str__(self) -> str:
        return f"IPv{6 if self.ipv6 else 4} to {self.address} by {self.forward}"

    def service(self, mark: int) -> Service:
        """The service that the mark stands for."""
        return Service(id=mark_id(mark, ipv6=self.ipv6), scheduler="rr")

    @property
    def destination(self) -> Destination:
        """The only destination of that service."""
        return Destination(real=Endpoint(self.address, 0).id, weight=_WEIGHT, forward=self.forward)


def mark_id(mark: int, *, ipv6: bool) -> ServiceId:
    """The id of the service on a mark.

    >>> mark_id(10000, ipv6=False)
    'fwmark://10000'
    """
    return ServiceKey("fwmark", mark=mark, ipv6=ipv6).id
