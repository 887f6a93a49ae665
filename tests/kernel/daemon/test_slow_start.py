"""A real that comes back gets its share of clients step by step, in the kernel's own weights."""

import time
from collections import Counter

from journal import Record
from kglb.events import BalancerDecided, Event
from kglb.model import RealId
from lab.client import Client
from lab.net import Network
from lab.reals import Reals
from tests.kernel.daemon.test_failover import FIRST, SECOND, SERVICE
from tests.kernel.director import WEIGHT, Director, Poller, balancer, until


def decided(director: Director, after: int, weight: int) -> Record[Event]:
    """The first decision after a record, before the kernel heard of it, that gave the first real so much weight."""
    return next(
        record
        for record in director.records(after)
        if isinstance(record.event, BalancerDecided) and record.event.weights.get(RealId(FIRST), 0) >= weight
    )


def test_a_server_that_comes_back_is_not_flooded(director: Director, network: Network, reals: Reals) -> None:
    slow = balancer(SERVICE, [FIRST, SECOND], scheduler="wrr") + 'slow_start = "9s"\n'
    director.configure(slow)
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    reals.behave("dead", network.reals[0])
    director.wait_weights(SERVICE, {FIRST: 0, SECOND: WEIGHT})
    down = director.last_seq()
    with Poller(network, SERVICE) as poller, Client(network.client, network.vip, rate=100) as client:
        reals.behave("answer", network.reals[0])
        until(lambda: director.weights()[SERVICE][FIRST] > 0, "the first step")
        back = time.monotonic()
        director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    assert client.failures() == []
    half = decided(director, down, WEIGHT // 2)
    answers = Counter(sample.real for sample in client.samples(back) if sample.at + sample.took < half.mono)
    assert 0 < answers["real0"] < answers["real1"] / 2, "it gets less than half of what the other gets"
    seen = [weights[FIRST] for weights in poller.seen if weights]
    assert seen == sorted(seen), "its weight only grows"
    assert set(seen) <= {0, *range(WEIGHT // 10, WEIGHT + 1, WEIGHT // 10)}
    assert len(set(seen)) > 5
    explained = director.verb("explain", FIRST, "--seq", str(half.seq), "--journal", str(director.journal))
    assert "slow start:" in explained.stdout
    assert director.verb("verify", str(director.journal)).returncode == 0
