"""The process of a watched real is killed: the end of its idle connection brings the checks forward."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import pytest

from journal import Record
from kglb.events import Event, HealthChanged, OperationsApplied, ProbeFlipped, WatchLost
from lab.namespaces import spawn
from lab.net import Network
from tests.kernel.director import WEIGHT, Director, balancer, until

SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND = "10.2.0.10:8080", "10.2.0.11:8080"
STORM = 2.0
"""Seconds in which a storm would show."""

HOLDING = """
import socket
listener = socket.create_server(("", 8080))
print("listening", flush=True)
held = []
while True:
    held.append(listener.accept())
"""
CLOSING = """
import socket
listener = socket.create_server(("", 8080))
print("listening", flush=True)
while True:
    listener.accept()[0].close()
"""


def check(fall: int, more: str = "") -> str:
    """Made each hour: whatever is noticed here was not noticed by its turn having come."""
    return f'{{ type = "tcp", interval = "1h", rise = 1, fall = {fall}, watch = true{more} }}'


@contextmanager
def serving(network: Network, program: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run it as the server of two reals, and wait until both listen."""
    with ExitStack() as stack:
        argv = [sys.executable, "-c", program]
        made = [stack.enter_context(spawn(real.namespace, argv, stdout=subprocess.PIPE)) for real in network.reals[:2]]
        for process in made:
            assert process.stdout is not None
            assert process.stdout.readline() == b"listening\n"
        yield made


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
    director: Director, network: Network, fall: int, more: str
) -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND], check=check(fall, more)))
    with serving(network, HOLDING) as processes:
        director.start()
        director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
        processes[0].kill()
        director.wait_weights(SERVICE, {FIRST: 0, SECOND: WEIGHT})
        chain = since_the_loss(director)
    assert [type(record.event) for record in chain] == [WatchLost, ProbeFlipped, HealthChanged, OperationsApplied]
    assert all(later.cause == earlier.seq for earlier, later in pairwise(chain))


def test_servers_that_close_idle_connections_keep_their_weight_and_make_no_storm(
    director: Director, network: Network
) -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND], check=check(1)))
    with serving(network, CLOSING):
        director.start()
        director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
        until(lambda: len(director.events(WatchLost)) >= 4, "the second loss of each")
        time.sleep(STORM)
        assert director.weights()[SERVICE] == {FIRST: WEIGHT, SECOND: WEIGHT}
        assert [event.healthy for event in director.events(HealthChanged)] == [True, True]
        assert len(director.events(WatchLost)) == 4, "the next connection waits for the next check"
