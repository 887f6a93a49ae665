"""A real that comes back gets its share of clients step by step, in the kernel's own weights."""

from collections import Counter

from kglb.events import WarmthChanged
from kglb.model import RealId
from lab.client import Client
from lab.net import Network
from lab.reals import Reals
from tests.kernel.daemon.test_failover import FIRST, SECOND, SERVICE
from tests.kernel.director import PATIENT, WEIGHT, Director, Poller, balancer


def test_a_server_that_comes_back_is_not_flooded(director: Director, network: Network, reals: Reals) -> None:
    slow = balancer(SERVICE, [FIRST, SECOND], scheduler="wrr", check=PATIENT) + 'slow_start = "9s"\n'
    director.configure(slow)
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    reals.behave("dead", network.reals[0])
    director.wait_weights(SERVICE, {FIRST: 0, SECOND: WEIGHT})
    with Poller(network, SERVICE) as poller, Client(network.client, network.vip, timeout=20.0) as client:
        reals.behave("answer", network.reals[0])
        director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    assert client.failures() == []
    steps = {
        record.event.tenths[RealId(FIRST)]: record
        for record in director.records()
        if isinstance(record.event, WarmthChanged)
    }
    assert [*steps] == [*range(1, 11)]
    begun = client.samples(steps[1].mono)
    answers = Counter(sample.real for sample in begun if sample.at < steps[5].mono)
    assert 0 < answers["real0"] < answers["real1"] / 2, "before half of the steps it gets less than half of the other's"
    seen = [weights[FIRST] for weights in poller.seen if weights]
    assert seen == sorted(seen), "its weight only grows"
    assert set(seen) <= {0, *range(WEIGHT // 10, WEIGHT + 1, WEIGHT // 10)}
    explained = director.verb("explain", FIRST, "--journal", str(director.journal), "--seq", str(steps[5].seq + 1))
    assert "slow start: 50 %" in explained.stdout
    assert director.verb("verify", str(director.journal)).returncode == 0
