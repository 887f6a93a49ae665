"""The bytes of every message, written out by hand from linux/ip_vs.h, and what the kernel's answers mean.

The bytes are those of a little-endian machine; address and port stand in network order on any.
"""

import errno
import sys
from collections.abc import Callable

import pytest

from kglb.dataplane.ipvs_codec import (
    IpvsOperation,
    ask_destinations,
    ask_service,
    ask_services,
    decode_destination,
    decode_service,
    encode,
)
from kglb.dataplane.ipvs_counters import decode_counters
from kglb.model import (
    AddDestination,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteDestination,
    DeleteService,
    Destination,
    Forward,
    RealId,
    Service,
    ServiceId,
)

pytestmark = pytest.mark.skipif(
    sys.byteorder != "little", reason="the bytes below are those of a little-endian machine"
)

WEB = ServiceId("tcp://192.0.2.10:80")
REAL = RealId("10.1.0.7:8080")

WEB_KEY = (
    "0600 0100 0200 0000"  # af: inet
    "0600 0200 0600 0000"  # protocol: tcp
    "0800 0300 c000020a"
    "0600 0400 0050 0000"  # port, big-endian
)
DNS_KEY = (
    "0600 0100 0a00 0000"
    "0600 0200 1100 0000"  # protocol: udp
    "1400 0300 20010db8000000000000000000000010"
    "0600 0400 0035 0000"
)
MARK_KEY = "0600 0100 0200 0000 0800 0500 0a000000"
MARK6_KEY = "0600 0100 0a00 0000 0800 0500 0a000000"
REAL_KEY = "0600 0b00 0200 0000 0800 0100 0a010007 0600 0200 1f90 0000"
REAL6_KEY = "0600 0b00 0a00 0000 1400 0100 20010db8000000000000000000000007 0600 0200 0000 0000"


def nested(kind: int, *parts: str) -> bytes:
    body = bytes.fromhex("".join(parts))
    return (4 + len(body)).to_bytes(2, "little") + kind.to_bytes(2, "little") + body


def plain(method: int, weight: str, upper: str = "00000000", lower: str = "00000000") -> str:
    return f"0800 0300 {method:02x}000000 0800 0400 {weight} 0800 0500 {upper} 0800 0600 {lower}"


WRR = "0800 0600 77727200"
FULL_SERVICE = "0c00 0700 00000000 ffffffff 0800 0800 00000000 0800 0900 ffffffff"


@pytest.mark.parametrize(
    ("operation", "command", "body"),
    [
        (AddService(Service(id=WEB, scheduler="wrr")), 1, nested(1, WEB_KEY, WRR, FULL_SERVICE)),
        (ChangeService(Service(id=WEB, scheduler="wrr")), 2, nested(1, WEB_KEY, WRR, FULL_SERVICE)),
        (DeleteService(WEB), 3, nested(1, WEB_KEY)),
        (DeleteService(ServiceId("udp://[2001:db8::10]:53")), 3, nested(1, DNS_KEY)),
        (DeleteService(ServiceId("fwmark://10")), 3, nested(1, MARK_KEY)),
        (DeleteService(ServiceId("fwmark6://10")), 3, nested(1, MARK6_KEY)),
        (
            AddDestination(WEB, Destination(real=REAL, weight=1000)),
            5,
            nested(1, WEB_KEY) + nested(2, REAL_KEY, plain(0, "e8030000")),
        ),
        (
            ChangeDestination(WEB, Destination(real=REAL, weight=0, forward=Forward("direct"), upper=9, lower=3)),
            6,
            nested(1, WEB_KEY) + nested(2, REAL_KEY, plain(3, "00000000", "09000000", "03000000")),
        ),
        (DeleteDestination(WEB, REAL), 7, nested(1, WEB_KEY) + nested(2, REAL_KEY)),
        (
            DeleteDestination(ServiceId("fwmark6://10"), RealId("[2001:db8::7]:0")),
            7,
            nested(1, MARK6_KEY) + nested(2, REAL6_KEY),
        ),
    ],
    ids=str,
)
def test_each_operation_has_its_bytes(operation: IpvsOperation, command: int, body: bytes) -> None:
    assert encode(operation) == (command, body)


@pytest.mark.parametrize(
    ("service", "tail"),
    [
        (
            Service(id=WEB, scheduler="mh", flags=("flag-1", "flag-2"), persistence=300, netmask=24, engine="sip"),
            "0700 0600 6d680000"
            "0c00 0700 19000000 ffffffff"  # persistent, flag-1, flag-2
            "0800 0800 2c010000"
            "0800 0900 ffffff00"  # an IPv4 mask, in network order
            "0800 0b00 73697000",
        ),
        (
            Service(
                id=ServiceId("udp://[2001:db8::10]:53"),
                scheduler="rr",
                flags=("flag-3", "one-packet"),
                netmask=64,
            ),
            "0700 0600 72720000"
            "0c00 0700 24000000 ffffffff"
            "0800 0800 00000000"
            "0800 0900 40000000",  # a prefix length, in the machine's order
        ),
        (
            Service(id=ServiceId("fwmark6://10"), scheduler="rr"),
            "0700 0600 72720000 0c00 0700 00000000 ffffffff 0800 0800 00000000 0800 0900 80000000",
        ),
    ],
    ids=str,
)
def test_a_service_carries_flags_persistence_netmask_and_engine(service: Service, tail: str) -> None:
    key = {"tcp": WEB_KEY, "udp": DNS_KEY, "fwmark": MARK6_KEY}[service.key.protocol]
    assert encode(AddService(service)) == (1, nested(1, key, tail))


@pytest.mark.parametrize(
    ("forward", "tail"),
    [
        (Forward("tunnel"), "0500 0d00 00000000 0600 0e00 0000 0000 0600 0f00 0000 0000"),
        (
            Forward("tunnel", "gue", 6080, "csum"),
            "0500 0d00 01000000 0600 0e00 17c0 0000 0600 0f00 0100 0000",
        ),
        (
            Forward("tunnel", "gue", 1, "remcsum"),
            "0500 0d00 01000000 0600 0e00 0001 0000 0600 0f00 0200 0000",
        ),
        (Forward("tunnel", "gre", 0, "csum"), "0500 0d00 02000000 0600 0e00 0000 0000 0600 0f00 0100 0000"),
    ],
    ids=str,
)
def test_a_tunnel_carries_its_type_port_and_checksum(forward: Forward, tail: str) -> None:
    destination = Destination(real=REAL, weight=1, forward=forward)
    body = nested(1, WEB_KEY) + nested(2, REAL_KEY, plain(2, "01000000"), tail)
    assert encode(ChangeDestination(WEB, destination)) == (6, body)


def test_questions_carry_only_the_key() -> None:
    assert ask_services() == (4, b"")
    assert ask_service(WEB) == (4, nested(1, WEB_KEY))
    assert ask_destinations(WEB) == (8, nested(1, WEB_KEY))


# what the kernel sends back: addresses always in 16 bytes, flags with "hashed", counters in between

DUMPED_WEB_KEY = WEB_KEY.replace("0800 0300 c000020a", "1400 0300 c000020a 000000000000000000000000")


def dumped_service(
    key: str, flags: str = "02000000", timeout: str = "00000000", netmask: str = "ffffffff"
) -> memoryview:
    tail = f"0c00 0700 {flags} ffffffff 0800 0800 {timeout} 0800 0900 {netmask} 0c00 0a00 0800 0100 05000000"
    return memoryview(nested(1, key, WRR, tail))


def dumped_destination(key: str, method: str, tunnel: str) -> memoryview:
    counters = "0800 0700 01000000 0800 0800 02000000 0800 0900 00000000"
    rest = f"0800 0300 {method} 0800 0400 e8030000 {tunnel} 0800 0500 09000000 0800 0600 03000000 {counters}"
    return memoryview(nested(2, key, rest, "0600 0b00 0200 0000"))


DUMPED_REAL_KEY = "1400 0100 0a010007 000000000000000000000000 0600 0200 1f90 0000"
NO_TUNNEL = "0500 0d00 00000000 0600 0e00 0000 0000 0600 0f00 0000 0000"


def test_a_service_is_read_without_what_the_kernel_added() -> None:
    assert decode_service(dumped_service(DUMPED_WEB_KEY)) == Service(id=WEB, scheduler="wrr")


def test_a_timeout_without_persistence_is_none() -> None:
    read = decode_service(dumped_service(DUMPED_WEB_KEY, timeout="2c010000"))
    assert read == Service(id=WEB, scheduler="wrr")


def test_persistence_and_flags_are_read() -> None:
    read = decode_service(dumped_service(DUMPED_WEB_KEY, "1b000000", "2c010000", "ffff0000"))
    assert read == Service(id=WEB, scheduler="wrr", flags=("flag-1", "flag-2"), persistence=300, netmask=16)


@pytest.mark.parametrize(("netmask", "length"), [("00000000", -1), ("ff00ff00", -1), ("80000000", 1), ("fffffffe", 31)])
def test_a_netmask_that_is_no_prefix_reads_minus_1(netmask: str, length: int) -> None:
    read = decode_service(dumped_service(DUMPED_WEB_KEY, netmask=netmask))
    assert read is not None
    assert read.netmask == length


@pytest.mark.parametrize("decode", [decode_service, decode_destination, decode_counters])
@pytest.mark.parametrize("answer", ["", "04000100", "04000200", "0c000100 06000100 0200 0000"])
def test_an_answer_that_lacks_something_is_an_error_of_the_kernel(
    decode: Callable[[memoryview], object], answer: str
) -> None:
    with pytest.raises(OSError, match="the kernel's answer is not understood") as refused:
        decode(memoryview(bytes.fromhex(answer)))
    assert refused.value.errno == errno.EPROTO


def test_flags_without_a_name_stay_visible() -> None:
    read = decode_service(dumped_service(DUMPED_WEB_KEY, "46000080"))
    assert read is not None
    assert read.flags == ("0x40", "0x80000000", "one-packet")


@pytest.mark.parametrize(
    "key",
    [
        DUMPED_WEB_KEY.replace("0600 0200 0600", "0600 0200 8400"),  # SCTP
        DUMPED_WEB_KEY.replace("c000020a", "e0000001"),  # multicast
    ],
)
def test_a_service_without_a_name_in_the_model_is_none(key: str) -> None:
    assert decode_service(dumped_service(key)) is None


def test_marks_of_both_families_are_read() -> None:
    assert decode_service(dumped_service(MARK_KEY)) == Service(id=ServiceId("fwmark://10"), scheduler="wrr")
    read = decode_service(dumped_service(MARK6_KEY, netmask="80000000"))
    assert read == Service(id=ServiceId("fwmark6://10"), scheduler="wrr")


def test_a_destination_is_read() -> None:
    read = decode_destination(dumped_destination(DUMPED_REAL_KEY, "03000000", NO_TUNNEL))
    assert read == Destination(real=REAL, weight=1000, forward=Forward("direct"), upper=9, lower=3)


def test_tunnel_attributes_are_read_only_of_a_tunnel() -> None:
    gue = "0500 0d00 01000000 0600 0e00 17c0 0000 0600 0f00 0100 0000"
    tunnel = decode_destination(dumped_destination(DUMPED_REAL_KEY, "02000000", gue))
    masquerade = decode_destination(dumped_destination(DUMPED_REAL_KEY, "00000000", gue))
    assert tunnel.forward == Forward("tunnel", "gue", 6080, "csum")
    assert masquerade.forward == Forward("masquerade")


def test_a_kernel_without_tunnel_types_means_ipip() -> None:
    read = decode_destination(dumped_destination(DUMPED_REAL_KEY, "02000000", ""))
    assert read.forward == Forward("tunnel", "ipip")


@pytest.mark.parametrize(
    ("method", "tunnel"), [("04000000", NO_TUNNEL), ("02000000", NO_TUNNEL.replace("0d00 00", "0d00 03"))]
)
def test_a_way_of_forwarding_without_a_name_is_none_that_can_be_asked_for(method: str, tunnel: str) -> None:
    read = decode_destination(dumped_destination(DUMPED_REAL_KEY, method, tunnel))
    assert read.forward == Forward("local")


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        ("20010db8000000000000000000000007", "[2001:db8::7]:8080"),
        ("0000000000000000000000000a010007", "[::a01:7]:8080"),
        ("00000000000000000000000000000001", "[::1]:8080"),
    ],
)
def test_ipv6_addresses_are_read_in_the_models_form(packed: str, text: str) -> None:
    key = f"1400 0100 {packed} 0600 0200 1f90 0000"
    answer = bytes(dumped_destination(key, "00000000", NO_TUNNEL)).replace(
        bytes.fromhex("06000b0002000000"), bytes.fromhex("06000b000a000000")
    )
    assert decode_destination(memoryview(answer)).real == text
