"""What every machine has of a network; the lab has the rest (tests/kernel/test_doctor.py)."""

from kglb.doctor.facts import Link
from kglb.doctor.rtnetlink import look
from kglb.model import Address


def test_every_machine_has_lo_and_its_address() -> None:
    network = look()
    assert network.links["lo"] == Link(up=True, carrier=True, mtu=65536, mtu6=65536)
    assert Address("127.0.0.1/8", "lo") in network.addresses
