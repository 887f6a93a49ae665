"""The process of a watched real is killed: the end of its idle connection brings the checks forward."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest

from journal import Record
from kglb.events import Event, HealthChanged, OperationsApplied, ProbeFlipped, WatchLost
from lab.namespaces import spawn
from lab.net import Network
from tests.kernel.director import WEIGHT, Director, balancer

SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND = "10.2.0.10:8080", "10.2.0.11:8080"
HOLDING = """
import socket
listener = socket.create_server(("", 8080))
held = []
while True:
    held.append(listener.accept())
"""
CLOSING = """
import socket
listener = socket.create_server(("", 8080))
while True:
    listener.accept()[0].close()
"""

INTERVAL = 5.0
"""Seconds: whatever is noticed within one of them was not noticed by its turn having come."""


def check(fall: int, more: str = "") -> str:
    return f'{{ type = "tcp", interval = "{INTERVAL:g}s", rise = 1, fall = {fall}, watch = true{more} }}'


Processes = list[subprocess.Popen[bytes]]


def servers(network: Network, program: str) -> Iterator[Processes]:
    with ExitStack() as stack:
        argv = [sys.executable, "-c", program]
        yield [stack.enter_context(spawn(real.namespace, argv)) for real in network.reals[:2]]


@pytest.fixture
def holding(network: Network) -> Iterator[Processes]:
    """Servers that keep every connection."""
    yield from servers(network, HOLDING)


@pytest.fixture
def closing(network: Network) -> Iterator[Processes]:
    """Servers that close every connection at once."""
    yield from servers(network, CLOSING)


def since_the_loss(director: Director) -> list[Record[Event]]:
    """What followed the loss of the idle connection, as far as it is about the real's death.

    A process that dies closes its sockets one after the other: a probe may still be accepted in between, and the
    connection that is held then is lost in turn. It is the last loss that leads to the end.
    """
    about = WatchLost | ProbeFlipped | HealthChanged | OperationsApplied
    records = [record for record in director.records() if isinstance(record.event, about)]
    last = max(number for number, record in enumerate(records) if isinstance(record.event, WatchLost))
    return records[last:]


@pytest.mark.parametrize(("fall", "more"), [(1, ""), (3, ', fast_interval = "5ms"')], ids=["fall 1", "fall 3"])
def test_a_killed_process_is_out_of_the_kernel_long_before_its_next_check(
    director: Director, holding: Processes, fall: int, more: str
) -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND], check=check(fall, more)))
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    holding[0].kill()
    director.wait_weights(SERVICE, {FIRST: 0, SECOND: WEIGHT}, timeout=4.0)
    chain = since_the_loss(director)
    assert [type(record.event) for record in chain] == [WatchLost, ProbeFlipped, HealthChanged, OperationsApplied]
    assert all(later.cause == earlier.seq for earlier, later in pairwise(chain))


def test_servers_that_close_idle_connections_keep_their_weight_and_make_no_storm(
    director: Director, closing: Processes
) -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND], check=check(1)))
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    time.sleep(INTERVAL)
    assert director.weights()[SERVICE] == {FIRST: WEIGHT, SECOND: WEIGHT}
    assert [event.healthy for event in director.events(HealthChanged)] == [True, True]
    assert 4 <= len(director.events(WatchLost)) <= 6
