"""The counters in the kernel's answers; the bytes are those of a little-endian machine."""

import sys

import pytest

from kglb.dataplane.counters import DestinationCounters, Traffic
from kglb.dataplane.ipvs_counters import decode_counters, decode_traffic
from kglb.model import RealId
from tests.dataplane.test_ipvs_codec import DUMPED_REAL_KEY, nested

pytestmark = pytest.mark.skipif(
    sys.byteorder != "little", reason="the bytes below are those of a little-endian machine"
)

TOTALS = (
    "0c00 0100 0500000000000000"  # connections
    "0c00 0200 2800000000000000"  # packets in
    "0c00 0300 1e00000000000000"  # packets out
    "0c00 0400 0010000000000000"  # bytes in
    "0c00 0500 0000000001000000"  # bytes out: more than 32 bits
)
PADDED = TOTALS.replace("0c00 0100", "0400 0b00 0c00 0100")  # where the kernel aligns 64 bits
RATES = "0c00 0600 0100000000000000"
TRAFFIC = Traffic(5, 40, 30, 4096, 1 << 32)


def stats64(totals: str) -> str:
    return nested(12, totals).hex()


@pytest.mark.parametrize("totals", [TOTALS, TOTALS + RATES, PADDED + RATES])
def test_the_traffic_of_a_service_is_read(totals: str) -> None:
    assert decode_traffic(memoryview(nested(1, stats64(totals)))) == TRAFFIC


def test_the_counters_of_a_destination_are_read() -> None:
    connections = "0800 0700 03000000 0800 0800 07000000"
    answer = nested(
        2, DUMPED_REAL_KEY, "0800 0400 e8030000", connections, "0600 0b00 0200 0000", stats64(TOTALS + RATES)
    )
    assert decode_counters(memoryview(answer)) == DestinationCounters(RealId("10.1.0.7:8080"), 1000, 3, 7, TRAFFIC)


def test_a_kernel_without_64_bit_counters_has_counted_nothing() -> None:
    assert decode_traffic(memoryview(nested(1, "0600 0100 0200 0000"))) == Traffic()
