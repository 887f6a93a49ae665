"""What every machine has of a network; the lab has the rest (tests/kernel/test_doctor.py)."""

import errno

import pytest
from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from kglb.doctor.facts import Link
from kglb.doctor.rtnetlink import look
from kglb.model import Address


def refuse(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Have the kernel answer a question for its rules with an error."""

    def get_rules(_: object, family: int) -> None:
        raise NetlinkError(number)

    monkeypatch.setattr(IPRoute, "get_rules", get_rules, raising=False)


def test_a_kernel_that_was_built_without_rules_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, errno.EOPNOTSUPP)
    assert look().rule_marks == {}
    assert "lo" in look().links


def test_a_kernel_that_refuses_to_say_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, errno.EPERM)
    with pytest.raises(PermissionError):
        look()


def test_every_machine_has_lo_and_its_address() -> None:
    network = look()
    assert network.links["lo"] == Link(up=True, carrier=True, mtu=65536, mtu6=65536)
    assert Address("127.0.0.1/8", "lo") in network.addresses
