"""Stop with leave, or ``kill -9``, and start again: traffic never stops, and what changed meanwhile is made up for."""

import random
import signal
import time

from kglb.events import DaemonStarted, HealthChanged, OperationsApplied
from kglb.model import ChangeDestination, Destination, Operation, RealId, ServiceId
from kglb.model.operations import service_of
from lab.client import Client
from lab.net import Network
from lab.reals import Behaviour, Reals
from tests.kernel.director import WEIGHT, Director, Poller, balancer, until

STEADY, FLAPPING = ServiceId("tcp://10.0.0.100:80"), ServiceId("tcp://10.0.0.101:80")
FIRST, SECOND, THIRD = RealId("10.2.0.10:80"), RealId("10.2.0.11:80"), RealId("10.2.0.12:80")
BOTH_UP: dict[str, int] = {FIRST: WEIGHT, SECOND: WEIGHT}

RESTARTS = 20
"""Every other one after ``kill -9``, the others after USR2."""
SEED = 20261122
STARTING = 0.8
"""Seconds in which a quiet lab takes a daemon from its first record to a settled state."""


def operations_on(director: Director, service: ServiceId, after: int) -> list[Operation]:
    return [
        operation
        for applied in director.events(OperationsApplied, after)
        for operation in applied.operations
        if service_of(operation) == service
    ]


def end(director: Director, number: int) -> None:
    if number % 2:
        director.kill()
    else:
        director.stop(signal.SIGUSR2)  # which ends it as well if it does not listen yet


def restart_at_random_moments(director: Director, reals: Reals) -> None:
    """While a real flaps, so that there is something to do; every fifth daemon has the time to do it first."""
    chance = random.Random(SEED)
    for number in range(RESTARTS):
        starts = 1 + len(director.events(DaemonStarted))
        end(director, number)
        behaviour: Behaviour = "answer" if number // 2 % 2 else "refuse"
        reals.behave(behaviour, reals.network.reals[2])
        director.launch()
        until(lambda: len(director.events(DaemonStarted)) == starts, "the start")  # noqa: B023
        if number % 5 == 4:
            director.wait_weights(FLAPPING, {SECOND: WEIGHT, THIRD: WEIGHT if behaviour == "answer" else 0})
        time.sleep(chance.uniform(0, STARTING))
    director.kill()


def test_twenty_restarts_at_any_moment_cost_no_request_and_send_the_kernel_nothing_needless(
    director: Director, network: Network, reals: Reals
) -> None:
    director.configure(balancer(STEADY, [FIRST, SECOND]), balancer(FLAPPING, [SECOND, THIRD]))
    director.start()
    director.wait_weights(STEADY, BOTH_UP)
    director.wait_weights(FLAPPING, {SECOND: WEIGHT, THIRD: WEIGHT})
    settled = director.last_seq()
    with Client(network.client, network.vip) as client, Poller(network, STEADY) as poller:
        restart_at_random_moments(director, reals)
        director.start()
        director.wait_weights(FLAPPING, {SECOND: WEIGHT, THIRD: WEIGHT})
        until(lambda: len(client.samples()) > 500, "requests")
    assert client.failures() == []
    assert poller.seen == [BOTH_UP]
    assert operations_on(director, STEADY, settled) == []
    assert {change.real for change in director.events(HealthChanged, settled)} == {THIRD}
    reals.behave("refuse", network.reals[0])
    director.wait_weights(STEADY, {FIRST: 0, SECOND: WEIGHT})


def test_a_real_that_died_meanwhile_loses_its_weight_at_the_start_and_not_an_interval_later(
    director: Director, network: Network, reals: Reals
) -> None:
    check = '{ type = "tcp", interval = "1h", timeout = "10s", rise = 1, fall = 1 }'
    director.configure(balancer(STEADY, [FIRST, SECOND], check=check))
    director.start()
    director.wait_weights(STEADY, BOTH_UP)
    director.kill()
    last = director.last_seq()
    reals.behave("dead", network.reals[0])
    assert director.weights()[STEADY] == BOTH_UP
    director.start()
    director.wait_weights(STEADY, {FIRST: 0, SECOND: WEIGHT})
    weight_0 = ChangeDestination(STEADY, Destination(real=FIRST, weight=0))
    assert [done.operations for done in director.events(OperationsApplied, last)] == [(weight_0,)]


def test_what_left_or_joined_the_config_meanwhile_goes_or_comes(director: Director, network: Network) -> None:
    director.configure(balancer(STEADY, [FIRST, SECOND]), balancer(FLAPPING, [THIRD]))
    director.start()
    director.wait_weights(STEADY, BOTH_UP)
    director.wait_weights(FLAPPING, {THIRD: WEIGHT})
    director.kill()
    director.configure(balancer(STEADY, [SECOND, THIRD]))
    with Poller(network, STEADY) as poller:
        director.start()
        director.wait_weights(STEADY, {SECOND: WEIGHT, THIRD: WEIGHT})
        until(lambda: FLAPPING not in director.weights(), "the service left")
        until(lambda: "10.0.0.101" not in director.addresses(), "its VIP left")
    assert {weights and weights.get(SECOND) for weights in poller.seen} == {WEIGHT}
