"""Addresses of this machine, as far as anybody may ask: changing them is tried where ip_vs is (``contract.py``)."""

import errno
from collections.abc import Iterator

import pytest

from kglb.dataplane.addresses import Addresses
from kglb.model import AddAddress, Address, DeleteAddress

LOOPBACK = Address("127.0.0.1/8", "lo")


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    table = Addresses()
    yield table
    table.close()


def test_the_loopback_has_its_address(addresses: Addresses) -> None:
    assert LOOPBACK in addresses.on("lo")


def test_an_interface_that_is_not_there_has_no_addresses(addresses: Addresses) -> None:
    assert addresses.on("none0") == frozenset()


@pytest.mark.parametrize("operation", [AddAddress, DeleteAddress])
def test_an_interface_that_is_not_there_takes_none(
    addresses: Addresses, operation: type[AddAddress | DeleteAddress]
) -> None:
    assert addresses.send(operation(address=Address("192.0.2.1/32", "none0"))) == errno.ENODEV
