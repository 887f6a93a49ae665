"""The kernel tells that an address has gone, and the daemon, on its own loop, hears it."""

from kglb.events import DriftFound
from kglb.model import Address, DeleteAddress
from lab.namespaces import command, in_namespace
from lab.net import Network
from tests.kernel.director import WEIGHT, Director, balancer, until


def test_a_vip_that_somebody_deletes_is_back_long_before_the_next_look_at_all(
    director: Director, network: Network
) -> None:
    four, six = "tcp://10.0.0.100:80", "tcp://[fd00::100]:80"
    director.configure(balancer(four, ["10.2.0.10:80"]), balancer(six, ["[fd00:2::a]:80"]), reconcile_interval="1h")
    director.start()
    director.wait_weights(four, {"10.2.0.10:80": WEIGHT})
    director.wait_weights(six, {"[fd00:2::a]:80": WEIGHT})
    vips = ("10.0.0.100/32", "fd00::100/128")
    for vip in vips:
        until(lambda: vip in director.addresses(), "the VIP on lo")  # noqa: B023
        with in_namespace(network.director):
            command("ip", "address", "del", vip, "dev", "lo")
        until(lambda: vip in director.addresses(), "its return")  # noqa: B023
    drifts = [DriftFound(changes=(DeleteAddress(Address(vip, "lo")),)) for vip in vips]
    until(lambda: director.events(DriftFound) == drifts, "their records")
