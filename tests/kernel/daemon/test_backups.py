"""Every primary dies while clients ask: a detection time later the sorry server answers, and its end goes unnoticed."""

import time

from lab.client import Client
from lab.net import Network
from lab.reals import Reals
from tests.kernel.daemon.test_failover import FIRST, SECOND, SERVICE
from tests.kernel.director import WEIGHT, Director, Poller, balancer, until

SORRY = "10.2.0.12:80"


def test_the_sorry_server_answers_from_the_death_of_the_last_primary_to_the_first_ones_return(
    director: Director, network: Network, reals: Reals
) -> None:
    primaries = network.reals[:2]
    director.configure(balancer(SERVICE, [FIRST, SECOND], backups=[SORRY]))
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT, SORRY: 0})
    with Poller(network, SERVICE) as poller, Client(network.client, network.vip, rate=100) as client:
        client.wait(20)
        dying = time.monotonic()
        reals.behave("dead", *primaries)
        director.wait_weights(SERVICE, {FIRST: 0, SECOND: 0, SORRY: WEIGHT})
        sorry = time.monotonic()
        until(lambda: len(client.samples(sorry)) >= 30, "requests")
        assert set(client.answered(since=sorry)) == {"real2"}
        reals.behave("answer", *primaries)
        director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT, SORRY: 0})
        back = time.monotonic()
        until(lambda: len(client.samples(back)) >= 20, "requests")
    assert [sample for sample in client.failures() if sample.at + sample.took < dying] == []
    assert client.failures(since=sorry) == []
    assert set(client.answered(since=back)) == {"real0", "real1"}
    assert all(weights and any(weights.values()) for weights in poller.seen), "the kernel always has somebody"
    explained = director.verb("explain", SORRY, "--journal", str(director.journal))
    assert "it is a backup, and 2 of 2 primary reals are up" in explained.stdout


def test_with_every_primary_drained_the_sorry_server_answers(
    director: Director, network: Network, reals: Reals
) -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND], backups=[SORRY]))
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT, SORRY: 0})
    with Client(network.client, network.vip, rate=100) as client:
        client.wait(20)
        assert director.verb("drain", FIRST).returncode == 0
        ordered = director.verb("drain", SECOND)
        assert f"every primary real of {SERVICE} is drained: its backups serve" in ordered.stdout + ordered.stderr
        director.wait_weights(SERVICE, {FIRST: 0, SECOND: 0, SORRY: WEIGHT})
        drained = time.monotonic()
        until(lambda: len(client.samples(drained)) >= 20, "requests")
    assert client.failures() == []
    assert set(client.answered(since=drained)) == {"real2"}
