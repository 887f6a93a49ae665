"""Routes to VIPs, as a real router learns them: BIRD, from ExaBGP, from the daemon."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kglb.events import DriftFound, OperationsApplied, RouteAnnounced, RouteWithdrawn
from kglb.model import ChangeDestination, DeleteAddress, DeleteService
from lab.bgp import Bird, ExaBgp
from lab.net import Network
from lab.reals import Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

WEB, OTHER = "tcp://10.0.0.100:80", "tcp://10.0.0.101:80"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"
PREFIX = "10.0.0.100/32"
HOLD = 10.0
"""Seconds; long enough to look at what goes on meanwhile."""


@pytest.fixture(scope="module")
def router(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bird]:
    with Bird(network, tmp_path_factory.mktemp("bird")).running() as made:
        yield made


@pytest.fixture
def exabgp(network: Network, router: Bird, tmp_path: Path) -> Iterator[ExaBgp]:
    """A speaker that is new to the router, which has forgotten what the one before announced."""
    router.wait(PREFIX, present=False)
    made = ExaBgp(network, tmp_path)
    made.start()
    yield made
    made.end()
    sys.stderr.write(made.log)


ANNOUNCE = f'{{ min_alive = 0.9, hold_time = "{HOLD:g}s" }}'


def announcing(exabgp: ExaBgp, *more: str, announce: str = ANNOUNCE) -> list[str]:
    """A config's parts: the engine, a balancer with a route, and more."""
    engine = f'\n[bgp]\nengine = "exabgp"\nsocket = "{exabgp.socket}"\n'
    return [engine, balancer(WEB, [FIRST, SECOND]) + f"announce = {announce}\n", *more]


def test_a_route_comes_with_the_ratio_and_goes_below_it(
    director: Director, reals: Reals, exabgp: ExaBgp, router: Bird
) -> None:
    director.configure(
        *announcing(exabgp, announce='{ min_alive = 0.9, community = ["65000:7", "no-export"], med = 50 }')
    )
    director.start()
    router.wait(PREFIX, present=True)
    assert director.weights()[WEB] == {FIRST: WEIGHT, SECOND: WEIGHT}
    attributes = router.routes()[PREFIX]
    assert "BGP.med: 50" in attributes
    assert "BGP.community: (65000,7) (65535,65281)" in attributes
    assert "BGP.next_hop: 10.1.0.1" in attributes

    victim = reals.network.reals[0]
    reals.behave("dead", victim)
    router.wait(PREFIX, present=False)
    director.wait_weights(WEB, {FIRST: 0, SECOND: WEIGHT})
    reals.behave("answer", victim)
    router.wait(PREFIX, present=True)


def test_a_stop_withdraws_waits_for_the_hold_time_and_then_deletes(
    director: Director, exabgp: ExaBgp, router: Bird
) -> None:
    director.configure(*announcing(exabgp))
    director.start()
    router.wait(PREFIX, present=True)
    director.tell(signal.SIGTERM)
    router.wait(PREFIX, present=False)
    assert director.weights()[WEB] == {FIRST: WEIGHT, SECOND: WEIGHT}, "packets on their way are still served"
    assert "10.0.0.100/32" in director.addresses()
    assert director.wait() == 0
    assert WEB not in director.weights()
    assert "10.0.0.100/32" not in director.addresses()
    withdrawn = time_of(director, RouteWithdrawn)
    assert all(at - withdrawn >= HOLD for at in times_of(director, DeleteService, DeleteAddress))


def test_the_hold_time_delays_nothing_else(director: Director, reals: Reals, exabgp: ExaBgp, router: Bird) -> None:
    other = balancer(OTHER, [FIRST, SECOND])
    director.configure(*announcing(exabgp, other, announce='{ min_alive = 0.9, hold_time = "1h" }'))
    director.start()
    router.wait(PREFIX, present=True)
    director.configure(announcing(exabgp)[0], other)
    director.tell(signal.SIGHUP)
    router.wait(PREFIX, present=False)
    reals.behave("dead", reals.network.reals[0])
    director.wait_weights(OTHER, {FIRST: 0, SECOND: WEIGHT})
    assert WEB in director.weights(), "what the route led to waits"
    assert not times_of(director, DeleteService)


def test_a_killed_daemon_leaves_the_route_and_its_successor_changes_nothing(
    director: Director, exabgp: ExaBgp, router: Bird
) -> None:
    director.configure(*announcing(exabgp))
    director.start()
    router.wait(PREFIX, present=True)
    before = router.routes()[PREFIX]
    director.kill()
    last = director.last_seq()
    time.sleep(1)
    director.start()
    time.sleep(1)
    assert router.routes()[PREFIX] == before, "with the time at which it was learned"
    for kind in (RouteAnnounced, RouteWithdrawn, DriftFound):
        assert director.events(kind, after=last) == []


def test_sigusr2_leaves_the_route(director: Director, exabgp: ExaBgp, router: Bird) -> None:
    director.configure(*announcing(exabgp))
    director.start()
    router.wait(PREFIX, present=True)
    assert director.stop(signal.SIGUSR2) == 0
    time.sleep(1)
    assert PREFIX in router.routes()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_route_is_announced_again_after_exabgp_restarts(
    director: Director, exabgp: ExaBgp, router: Bird, how: signal.Signals
) -> None:
    director.configure(*announcing(exabgp))
    director.start()
    router.wait(PREFIX, present=True)
    until(lambda: director.events(RouteAnnounced), "its record")
    last = director.last_seq()
    exabgp.end(how)
    router.wait(PREFIX, present=False)
    assert director.weights()[WEB] == {FIRST: WEIGHT, SECOND: WEIGHT}
    exabgp.start()
    router.wait(PREFIX, present=True)
    assert len(until(lambda: director.events(RouteAnnounced, after=last), "its record")) == 1


def test_without_exabgp_everything_else_works_and_a_stop_is_clean(director: Director, tmp_path: Path) -> None:
    absent = ExaBgp(director.network, tmp_path)
    director.configure(*announcing(absent))
    director.start()
    director.wait_weights(WEB, {FIRST: WEIGHT, SECOND: WEIGHT})
    assert director.stop() == 0
    assert not director.events(RouteAnnounced)


def test_weights_change_while_exabgp_hangs(director: Director, reals: Reals, exabgp: ExaBgp, router: Bird) -> None:
    director.configure(*announcing(exabgp))
    director.start()
    router.wait(PREFIX, present=True)
    exabgp.freeze()
    last = director.last_seq()
    reals.behave("dead", reals.network.reals[0])
    director.wait_weights(WEB, {FIRST: 0, SECOND: WEIGHT})
    assert [type(op) for event in director.events(OperationsApplied, after=last) for op in event.operations] == [
        ChangeDestination
    ]
    exabgp.thaw()
    router.wait(PREFIX, present=False)


def times_of(director: Director, *kinds: type) -> list[float]:
    """When the kernel did operations of these kinds, by the clock of ``mono``."""
    return [
        record.mono
        for record in director.records()
        if isinstance(record.event, OperationsApplied)
        and any(isinstance(operation, kinds) for operation in record.event.operations)
    ]


def time_of(director: Director, kind: type) -> float:
    """When the last event of a kind was recorded, by the clock of ``mono``."""
    return [record.mono for record in director.records() if isinstance(record.event, kind)][-1]
