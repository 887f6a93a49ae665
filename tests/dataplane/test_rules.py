"""What never reaches the kernel, because it would take it silently and do something else."""

from errno import EINVAL
from typing import Any

import msgspec
import pytest
from hypothesis import given

from kglb.dataplane.rules import refusal
from kglb.model import (
    AddAddress,
    AddDestination,
    Address,
    AddService,
    ChangeDestination,
    ChangeService,
    DeleteAddress,
    DeleteDestination,
    DeleteService,
    Destination,
    Forward,
    Operation,
    RealId,
    Service,
    ServiceId,
)
from tests.dataplane.strategies import operations

WEB = ServiceId("tcp://192.0.2.10:80")
DNS = ServiceId("udp://[2001:db8::10]:53")
REAL = RealId("10.1.0.7:80")


def destination(**values: Any) -> Destination:
    return msgspec.structs.replace(Destination(real=REAL, weight=1), **values)


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (Service(id=WEB, scheduler=""), "scheduler"),
        (Service(id=WEB, scheduler="a_name_too_long_"), "scheduler"),
        (Service(id=WEB, scheduler="../rr"), "scheduler"),
        (Service(id=WEB, engine="s p"), "persistence engine"),
        (Service(id=WEB, flags=("sh-port",)), "'sh-port', expected one of one-packet, flag-1"),
        (Service(id=WEB, flags=("0x40",)), "'0x40'"),
        (Service(id=WEB, flags=("one-packet",)), "for UDP"),
        (Service(id=WEB, persistence=-1), "2678400 s"),
        (Service(id=WEB, persistence=2678401), "2678400 s"),
        (Service(id=WEB, netmask=33), "between 0 and 32"),
        (Service(id=WEB, netmask=-1), "between 0 and 32"),
        (Service(id=DNS, netmask=129), "between 0 and 128"),
        (Service(id=ServiceId("tcp://192.0.2.10:0")), "persistent"),
        (Service(id=ServiceId("sctp://192.0.2.10:80")), "tcp://ADDRESS:PORT"),
        (Service(id=ServiceId("udp://[2001:DB8::10]:53")), "not written as udp://[2001:db8::10]:53"),
        (Service(id=ServiceId("fwmark://0")), "mark"),
    ],
    ids=str,
)
def test_a_service_that_would_be_taken_wrongly_is_refused(service: Service, words: str) -> None:
    for operation in (AddService(service), ChangeService(service)):
        refused = refusal(operation)
        assert refused is not None
        assert refused.errno == EINVAL
        assert words in refused.error


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (destination(weight=-1), "weight -1"),
        (destination(weight=65536), "between 0 and 65535"),
        (destination(upper=1 << 32), "32 bits"),
        (destination(lower=-1), "32 bits"),
        (destination(real="10.1.0.7"), "address:port"),
        (destination(real="web-1:80"), "an IP address"),
        (destination(real="[2001:db8:0::7]:80"), "not written as [2001:db8::7]:80"),
        (destination(forward=Forward("direct", port=6080)), "direct takes no tunnel attributes"),
        (destination(forward=Forward("masquerade", "gue", 6080)), "masquerade takes no tunnel attributes"),
        (destination(forward=Forward("tunnel", "gue")), "gue needs a port"),
        (destination(forward=Forward("tunnel", "gue", 65536)), "gue needs a port"),
        (destination(forward=Forward("tunnel", "ipip", 6080)), "ipip has no port"),
        (destination(forward=Forward("tunnel", "ipip", checksum="csum")), "ipip has no checksum"),
        (destination(forward=Forward("tunnel", "gre", checksum="remcsum")), "gre has no checksum 'remcsum'"),
    ],
    ids=str,
)
def test_a_destination_that_would_be_taken_wrongly_is_refused(wrong: Destination, words: str) -> None:
    for operation in (AddDestination(WEB, wrong), ChangeDestination(WEB, wrong)):
        refused = refusal(operation)
        assert refused is not None
        assert refused.errno == EINVAL
        assert words in refused.error


@pytest.mark.parametrize(
    "operation",
    [
        DeleteService(ServiceId("nonsense")),
        DeleteDestination(WEB, RealId("nonsense")),
        DeleteDestination(ServiceId("nonsense"), REAL),
        AddAddress(Address("192.0.2.10", "lo")),
        DeleteAddress(Address("2001:DB8::10/128", "lo")),
        AddAddress(Address("0.0.0.0/0", "lo")),
        AddAddress(Address("224.0.0.1/32", "lo")),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused(operation: Operation) -> None:
    refused = refusal(operation)
    assert refused is not None
    assert refused.errno == EINVAL


@pytest.mark.parametrize(
    "operation",
    [
        AddService(Service(id=DNS, flags=("flag-1", "one-packet"), netmask=128)),
        AddService(Service(id=ServiceId("fwmark://10"), flags=("one-packet",))),
        AddService(Service(id=ServiceId("tcp://192.0.2.10:0"), persistence=1)),
        AddDestination(WEB, destination(weight=65535, upper=(1 << 32) - 1)),
        AddDestination(WEB, destination(upper=1, lower=2)),  # the kernel refuses it itself
        AddAddress(Address("2001:db8::10/128", "lo")),
        DeleteService(WEB),
    ],
    ids=str,
)
def test_all_else_is_the_kernels_to_judge(operation: Operation) -> None:
    assert refusal(operation) is None


@given(operations)
def test_random_operations_of_the_other_tests_break_no_rule(operation: Operation) -> None:
    assert refusal(operation) is None
