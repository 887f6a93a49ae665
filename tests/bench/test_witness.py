"""What the benchmarks' witness takes for a change of a real: it reads the messages on their way to the kernel."""

import struct
from collections.abc import Sequence

import pytest

from bench.witness import Change, changes_in
from kglb.dataplane import ipvs_codec
from kglb.model import AddDestination, ChangeDestination, DeleteDestination, Destination, RealId, ServiceId

FAMILY = 0x1C
REQUEST, DUMPED = 0x1, 0x2
WEB = ServiceId("tcp://10.0.0.100:80")
REAL = RealId("10.2.0.10:80")
OTHER = RealId("10.2.1.11:80")


def message(operations: Sequence[ipvs_codec.IpvsOperation], flags: int = REQUEST) -> bytes:
    """What a program sends at once to do these operations."""
    requests = [ipvs_codec.encode(operation) for operation in operations]
    return b"".join(
        struct.pack("=IHHIIBBH", 20 + len(body), FAMILY, flags, 1, 0, command, 1, 0) + body
        for command, body in requests
    )


@pytest.mark.parametrize(
    ("operation", "weight"),
    [
        (AddDestination(WEB, Destination(real=REAL, weight=1000)), 1000),
        (ChangeDestination(WEB, Destination(real=REAL, weight=0)), 0),
        (DeleteDestination(WEB, REAL), None),
    ],
)
def test_adding_changing_and_deleting_a_real_are_changes(
    operation: ipvs_codec.IpvsOperation, weight: int | None
) -> None:
    assert list(changes_in(1.5, message([operation]))) == [Change(1.5, "10.2.0.10", weight)]


def test_each_message_of_a_batch_is_a_change() -> None:
    batch = [ChangeDestination(WEB, Destination(real=real, weight=0)) for real in (REAL, OTHER)]

    assert [change.address for change in changes_in(1.5, message(batch))] == ["10.2.0.10", "10.2.1.11"]


def test_what_the_kernel_dumps_is_no_change() -> None:
    dumped = message([AddDestination(WEB, Destination(real=REAL, weight=1000))], flags=DUMPED)

    assert list(changes_in(1.5, dumped)) == []
