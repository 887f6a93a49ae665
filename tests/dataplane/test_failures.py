"""Every errno becomes a sentence that names what it is about."""

import errno

import pytest

from kglb.dataplane.failures import failure
from kglb.dataplane.port import Failure
from kglb.model import AddService, DeleteService, Operation, Service, ServiceId

WEB = ServiceId("tcp://192.0.2.10:80")


@pytest.mark.parametrize(
    ("operation", "number", "sentence"),
    [
        (
            AddService(Service(id=WEB, scheduler="mh")),
            errno.ENOENT,
            "the kernel has no scheduler 'mh' (module ip_vs_mh)",
        ),
        (
            AddService(Service(id=WEB, scheduler="rr", engine="sip")),
            errno.ENOENT,
            "the kernel has no scheduler 'rr' (module ip_vs_rr) or no persistence engine 'sip' (module ip_vs_pe_sip)",
        ),
        (DeleteService(WEB), errno.EPERM, "the kernel refuses: CAP_NET_ADMIN is missing"),
        (DeleteService(WEB), errno.ENOBUFS, "the kernel's answer was lost, so the outcome is unknown"),
        (DeleteService(WEB), errno.EIO, "the kernel says: Input/output error"),
    ],
)
def test_a_failure_says_what_is_wrong(operation: Operation, number: int, sentence: str) -> None:
    assert failure(operation, number) == Failure(number, sentence)
