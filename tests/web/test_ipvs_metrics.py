"""IPVS counters with node_exporter's labels."""

from kglb.dataplane.counters import DestinationCounters, ServiceCounters, Traffic
from kglb.model import RealId, ServiceId
from kglb.web.ipvs_metrics import ipvs_families
from tests.web.builders import Reading, read

WEB = ServiceId("tcp://192.0.2.10:80")
TRAFFIC = Traffic(5, 40, 30, 4000, 90000)


def counted(id: ServiceId, real: str, *, traffic: Traffic = TRAFFIC) -> ServiceCounters:
    destination = DestinationCounters(RealId(real), 1000, 3, 7, traffic)
    return ServiceCounters(id, Traffic(6, 41, 31, 4001, 90001), [destination])


def reading(*services: ServiceCounters) -> Reading:
    return read(ipvs_families(services))


def local(address: str, port: str, proto: str, service: str, mark: str = "") -> dict[str, str]:
    return {
        "local_address": address,
        "local_port": port,
        "local_mark": mark,
        "proto": proto,
        "service": service,
    }


def test_a_service_has_its_traffic() -> None:
    found = reading(counted(WEB, "10.1.0.7:8080"))
    labels = local("192.0.2.10", "80", "TCP", WEB)
    assert found.value("kglb_ipvs_service_connections_total", **labels) == 6
    assert found.value("kglb_ipvs_service_incoming_packets_total", **labels) == 41
    assert found.value("kglb_ipvs_service_outgoing_packets_total", **labels) == 31
    assert found.value("kglb_ipvs_service_incoming_bytes_total", **labels) == 4001
    assert found.value("kglb_ipvs_service_outgoing_bytes_total", **labels) == 90001


def test_a_destination_has_its_traffic_its_connections_and_its_weight() -> None:
    found = reading(counted(WEB, "10.1.0.7:8080"))
    labels = local("192.0.2.10", "80", "TCP", WEB) | {"remote_address": "10.1.0.7", "remote_port": "8080"}
    assert found.value("kglb_ipvs_backend_connections_active", **labels) == 3
    assert found.value("kglb_ipvs_backend_connections_inactive", **labels) == 7
    assert found.value("kglb_ipvs_backend_weight", **labels) == 1000
    assert found.value("kglb_ipvs_backend_connections_total", **labels) == 5
    assert found.value("kglb_ipvs_backend_incoming_packets_total", **labels) == 40
    assert found.value("kglb_ipvs_backend_outgoing_packets_total", **labels) == 30
    assert found.value("kglb_ipvs_backend_incoming_bytes_total", **labels) == 4000
    assert found.value("kglb_ipvs_backend_outgoing_bytes_total", **labels) == 90000


def test_ipv6_addresses_stand_without_brackets() -> None:
    service = ServiceId("udp://[2001:db8::10]:53")
    labels = local("2001:db8::10", "53", "UDP", service)
    found = reading(counted(service, "[2001:db8::7]:53"))
    assert found.value("kglb_ipvs_service_connections_total", **labels) == 6
    remote = {"remote_address": "2001:db8::7", "remote_port": "53"}
    assert found.value("kglb_ipvs_backend_weight", **labels, **remote) == 1000


def test_a_mark_is_written_as_proc_writes_it_and_both_families_have_one() -> None:
    four, six = ServiceId("fwmark://10001"), ServiceId("fwmark6://10001")
    found = reading(counted(four, "10.1.0.7:0"), counted(six, "[2001:db8::7]:0"))
    for id in (four, six):
        assert found.value("kglb_ipvs_service_connections_total", **local("", "0", "FWM", id, "00002711")) == 6
