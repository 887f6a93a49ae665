"""A real dies while clients ask: they notice it until the kernel has its weight of 0, and never that it comes back."""

import time
from collections.abc import Callable, Iterator

import pytest

from lab.client import Client
from lab.net import Network
from lab.reals import Behaviour, Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"

CHECK = '{ type = "http", interval = "100ms", timeout = "3s", rise = 1, fall = 1 }'
"""Frequent checks that bear with a machine that is busy; nothing here is about how long they take."""


@pytest.fixture(scope="module")
def serving(network: Network, servers: Reals, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Director]:
    """A daemon with two reals."""
    with Director(network, tmp_path_factory.mktemp("serving")) as director:
        director.configure(balancer(SERVICE, [FIRST, SECOND], check=CHECK))
        director.start()
        yield director


@pytest.fixture
def client(network: Network, serving: Director, reals: Reals) -> Client:
    """A client that has not begun to ask; both reals are up."""
    serving.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    return Client(network.client, network.vip, rate=100)


def assert_felt_only_until_the_kernel_knows(
    client: Client, serving: Director, die: Callable[[], None], live: Callable[[], None]
) -> None:
    with client:
        client.wait(20)
        dying = time.monotonic()
        die()
        serving.wait_weights(SERVICE, {FIRST: 0, SECOND: WEIGHT})
        known = time.monotonic()
        until(lambda: len(client.samples(known)) >= 30, "requests")
        live()
        serving.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
        back = time.monotonic()
        until(lambda: len(client.samples(back)) >= 20, "requests")
    assert [sample for sample in client.failures() if sample.at + sample.took < dying] == []
    assert client.failures(since=known) == []
    assert set(client.answered(since=back)) == {"real0", "real1"}


@pytest.mark.parametrize("behaviour", ["dead", "hang", "error"])
def test_a_real_that_fails(serving: Director, reals: Reals, client: Client, behaviour: Behaviour) -> None:
    victim = reals.network.reals[0]
    assert_felt_only_until_the_kernel_knows(
        client, serving, lambda: reals.behave(behaviour, victim), lambda: reals.behave("answer", victim)
    )


def test_a_real_whose_packets_are_lost(serving: Director, network: Network, client: Client) -> None:
    victim = network.reals[0]
    assert_felt_only_until_the_kernel_knows(
        client, serving, lambda: network.drop(victim), lambda: network.restore(victim)
    )
