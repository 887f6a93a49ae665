"""What IPVS has counted, per service and per destination, with the labels of node_exporter's ipvs collector.

So a dashboard joins these series with ``node_ipvs_*``: ``proto`` is TCP, UDP or FWM, ``local_mark`` eight hex digits,
and what does not apply is empty, or the port 0. ``service`` comes in addition: it joins them with ours, and tells
the marks of IPv4 and IPv6 apart.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from kglb.dataplane.counters import DestinationCounters, ServiceCounters, Traffic
from kglb.model import RealId, ServiceId, parse_service
from kglb.model.endpoint import split_host_port
from kglb.web.exposition import Family, Sample, counter, gauge

_TRAFFIC: tuple[tuple[str, str, Callable[[Traffic], int]], ...] = (
    ("connections_total", "Connections scheduled", lambda traffic: traffic.connections),
    ("incoming_packets_total", "Packets from clients", lambda traffic: traffic.incoming_packets),
    ("outgoing_packets_total", "Packets to clients, as far as they come back this way",
     lambda traffic: traffic.outgoing_packets),
    ("incoming_bytes_total", "Bytes from clients", lambda traffic: traffic.incoming_bytes),
    ("outgoing_bytes_total", "Bytes to clients, as far as they come back this way",
     lambda traffic: traffic.outgoing_bytes),
)  # fmt: skip

_DESTINATION: tuple[tuple[str, str, Callable[[DestinationCounters], int]], ...] = (
    ("connections_active", "Established connections", lambda counted: counted.active),
    ("connections_inactive", "Connections in other states", lambda counted: counted.inactive),
    ("weight", "Weight in the kernel", lambda counted: counted.weight),
)


class _Counted(NamedTuple):
    labels: str
    counters: DestinationCounters


def ipvs_families(services: Sequence[ServiceCounters]) -> Iterator[Family]:
    """The metrics of these services."""
    for name, what, of in _TRAFFIC:
        yield counter(
            f"kglb_ipvs_service_{name}",
            f"{what}, by virtual service.",
            ((_service_labels(service.id) + "}", of(service.traffic)) for service in services),
        )
    backends: list[_Counted] = []
    gauges = iter(_DESTINATION)
    name, what, value = next(gauges)
    yield gauge(f"kglb_ipvs_backend_{name}", f"{what}, by destination.", _decoded(services, backends, value))
    for name, what, value in gauges:
        yield gauge(
            f"kglb_ipvs_backend_{name}",
            f"{what}, by destination.",
            _values(backends, value),
        )
    for name, what, of in _TRAFFIC:
        yield counter(f"kglb_ipvs_backend_{name}", f"{what}, by destination.", _traffic(backends, of))


def _decoded(
    services: Sequence[ServiceCounters], backends: list[_Counted], value: Callable[[DestinationCounters], int]
) -> Iterator[Sample]:
    """The samples of the first metric; decodes the destinations as it goes, and leaves them for the others."""
    for service in services:
        for counters in service.destinations:
            labels = _destination_labels(service.id, counters.real)
            backends.append(_Counted(labels, counters))
            yield labels, value(counters)


def _values(backends: list[_Counted], value: Callable[[DestinationCounters], int]) -> Iterator[Sample]:
    return ((labels, value(counters)) for labels, counters in backends)


def _traffic(backends: list[_Counted], of: Callable[[Traffic], int]) -> Iterator[Sample]:
    return ((labels, of(counters.traffic)) for labels, counters in backends)


@lru_cache(maxsize=4096)
def _service_labels(id: ServiceId) -> str:
    """The labels of a service, open for more."""
    key = parse_service(id)
    mark, proto = ("", key.protocol.upper()) if key.protocol != "fwmark" else (f"{key.mark:08X}", "FWM")
    local = f'local_address="{key.address}",local_mark="{mark}",local_port="{key.port}"'
    return f'{{{local},proto="{proto}",service="{id}"'


@lru_cache(maxsize=65536)
def _destination_labels(id: ServiceId, real: RealId) -> str:
    address, port = split_host_port(real)
    return f'{_service_labels(id)},remote_address="{address}",remote_port="{port}"}}'
