"""A real dies while clients ask: they notice it for one detection time at most, and never that it comes back."""

import time
from collections.abc import Callable, Iterator

import pytest

from lab.client import Client
from lab.net import Network
from lab.reals import Behaviour, Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"

INTERVAL, TIMEOUT = 0.1, 0.3
"""Seconds between two checks of a real, and what one may take."""

CHECK = f'{{ type = "http", interval = "{INTERVAL}s", timeout = "{TIMEOUT}s", rise = 1, fall = 1 }}'

SLACK = 1.0
"""Seconds for what is neither waiting nor timing out. The daemon needs a few milliseconds, and at most 50 for the
journal's write; the rest is for the lab's one CPU, which client, daemon and reals share with whatever else the
machine does. With INTERVAL and TIMEOUT 0.1 s each, in thirteen runs beside three other test suites, the last request
that failed began 0.20 s after the death."""

DETECTION = INTERVAL + TIMEOUT + SLACK


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


def assert_only_the_detection_time_is_felt(
    client: Client, serving: Director, die: Callable[[], None], live: Callable[[], None]
) -> None:
    with client:
        client.wait(20)
        dying = time.monotonic()
        die()
        died = time.monotonic()
        time.sleep(DETECTION)
        client.wait(30)
        assert serving.weights()[SERVICE] == {FIRST: 0, SECOND: WEIGHT}
        live()
        serving.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
        back = time.monotonic()
        until(lambda: len(client.samples(back)) >= 20, "requests")
    assert [sample for sample in client.failures() if sample.at + sample.took < dying] == []
    assert client.failures(since=died + DETECTION) == []
    assert set(client.answered(since=back)) == {"real0", "real1"}


@pytest.mark.parametrize("behaviour", ["dead", "hang", "error"])
def test_a_real_that_fails(serving: Director, reals: Reals, client: Client, behaviour: Behaviour) -> None:
    victim = reals.network.reals[0]
    assert_only_the_detection_time_is_felt(
        client, serving, lambda: reals.behave(behaviour, victim), lambda: reals.behave("answer", victim)
    )


def test_a_real_whose_packets_are_lost(serving: Director, network: Network, client: Client) -> None:
    victim = network.reals[0]
    assert_only_the_detection_time_is_felt(
        client, serving, lambda: network.drop(victim), lambda: network.restore(victim)
    )
