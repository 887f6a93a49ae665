"""``kill -9`` and start again: traffic never stops, and what changed meanwhile is made up for."""

import random
import time

from kglb.events import DaemonStarted, DriftFound, HealthChanged, OperationsApplied
from kglb.model import Operation, ServiceId
from kglb.model.operations import service_of
from lab.client import Client
from lab.net import Network
from lab.reals import Behaviour, Reals
from tests.kernel.director import INTERVAL, START_TIMEOUT, WEIGHT, Director, Poller, balancer, until

STEADY, FLAPPING = ServiceId("tcp://10.0.0.100:80"), ServiceId("tcp://10.0.0.101:80")
FIRST, SECOND, THIRD = "10.2.0.10:80", "10.2.0.11:80", "10.2.0.12:80"
BOTH_UP = {FIRST: WEIGHT, SECOND: WEIGHT}

KILLS = 12
SEED = 20261122

SLACK = 0.3
"""Seconds that the lab's one CPU may be late in all between a check that is due and the weight in the kernel."""


def operations_on(director: Director, service: str, after: int = 0) -> list[Operation]:
    return [
        operation
        for applied in director.events(OperationsApplied, after)
        for operation in applied.operations
        if service_of(operation) == service
    ]


def test_kill_9_at_any_moment_costs_no_request(director: Director, network: Network, reals: Reals) -> None:
    chance = random.Random(SEED)
    director.configure(balancer(STEADY, [FIRST, SECOND]), balancer(FLAPPING, [THIRD], forward='"direct"'))
    director.start()
    director.wait_weights(STEADY, BOTH_UP)
    director.wait_weights(FLAPPING, {THIRD: WEIGHT})
    settled = director.last_seq()
    with Client(network.client, network.vip) as client, Poller(network, STEADY) as poller:
        for kill in range(KILLS):
            starts = len(director.events(DaemonStarted))
            director.kill()
            behaviours: tuple[Behaviour, ...] = ("error", "answer")
            reals.behave(behaviours[kill % 2], network.reals[2])
            director.launch()
            until(lambda: len(director.events(DaemonStarted)) > starts, "the start", START_TIMEOUT)  # noqa: B023
            time.sleep(chance.uniform(0, 0.8))
        director.kill()
        director.start()
        reals.behave("dead", network.reals[0])
        director.wait_weights(STEADY, {FIRST: 0, SECOND: WEIGHT})
        died = time.monotonic()
        reals.behave("answer", network.reals[0])
        director.wait_weights(STEADY, BOTH_UP)
        director.wait_weights(FLAPPING, {THIRD: WEIGHT})
'''
'''
