"""What can be said of the kernel's data plane without a kernel that has IPVS."""

import errno

import pytest

from kglb.dataplane import ipvs
from kglb.dataplane.kernel import KernelDataPlane
from kglb.dataplane.port import Unavailable


def test_a_kernel_without_ipvs_is_unavailable_and_says_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(family: str) -> None:
        raise FileNotFoundError(family)

    monkeypatch.setattr(ipvs, "GenericNetlink", missing)
    with pytest.raises(Unavailable, match="module ip_vs") as refused:
        KernelDataPlane()
    assert refused.value.remedy == "sudo modprobe ip_vs"


def test_a_sandbox_without_netlink_is_unavailable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(family: str) -> None:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(ipvs, "GenericNetlink", forbidden)
    with pytest.raises(Unavailable, match="AF_NETLINK in RestrictAddressFamilies="):
        KernelDataPlane()
