"""The daemon stops: with cleanup it leaves nothing behind, without it everything; it never touches what is not ours."""

import signal
import time

import pytest

from kglb.events import Adopted, BalancerDecided, DriftFound, Event, HealthChanged, OperationsApplied
from kglb.model import ChangeDestination
from lab.client import Client
from lab.namespaces import command, in_namespace, ip
from lab.net import Network
from tests.kernel.director import WEIGHT, Director, balancer, until

WEB, DNS = "tcp://10.0.0.100:80", "udp://[fd00::100]:53"
MARK = "fwmark://7"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"
SIXTH = "[fd00:2::a]:80"
BOTH_UP = {FIRST: WEIGHT, SECOND: WEIGHT}

FOREIGN = (
    "-A -t 10.0.0.100:8080 -s ovf",
    "-a -t 10.0.0.100:8080 -r 10.9.9.1:80 -m -w 3",
    "-A -u 10.0.0.99:53 -s sh -b sh-port -p 60 -o",
    "-A --sctp-service 10.0.0.99:9 -s nq",
    "-A -f 8 -s wlc",
    "-a -f 8 -r 10.9.9.2:0 -i -w 1",
)
"""What another program runs beside us: our VIP on another port, schedulers and a protocol that we do not use."""


@pytest.fixture
def strangers(network: Network, director: Director) -> None:
    """Foreign services, and an address of ours that was there before us."""
    with in_namespace(network.director):
        for line in FOREIGN:
            command("ipvsadm", *line.split())
        ip("address add fd00::100/128 dev lo nodad")


def configure_all(director: Director) -> None:
    director.configure(
        balancer(WEB, [FIRST, SECOND]),
        balancer(DNS, [SIXTH]),
        balancer(MARK, [FIRST], forward='"direct"'),
    )


def wait_all(director: Director) -> None:
    """Return once everything is up."""
    director.wait_weights(WEB, BOTH_UP)
    director.wait_weights(DNS, {SIXTH: WEIGHT})
    director.wait_weights(MARK, {FIRST: WEIGHT})
    until(lambda: "10.0.0.100/32" in director.addresses(), "the VIP on lo")


@pytest.mark.usefixtures("strangers")
def test_a_stop_takes_away_what_is_ours_and_nothing_else(director: Director) -> None:
    services, addresses = director.saved(), director.addresses()
    configure_all(director)
    director.start()
    wait_all(director)
    assert director.saved().keys() == services.keys() | {WEB, DNS, MARK}
    assert director.stop() == 0
    assert (director.saved(), director.addresses()) == (services, addresses)


@pytest.mark.usefixtures("strangers")
def test_after_a_crash_the_next_stop_cleans_up_all_the_same(director: Director) -> None:
    services, addresses = director.saved(), director.addresses()
    configure_all(director)
    director.start()
    director.wait_weights(WEB, BOTH_UP)
    director.kill()
    director.start()
    assert director.stop() == 0
    assert (director.saved(), director.addresses()) == (services, addresses)


@pytest.mark.parametrize("kind", [Adopted, HealthChanged])
def test_what_was_done_while_the_disk_took_no_record_stays_and_is_ours(director: Director, kind: type[Event]) -> None:
    services, addresses = director.saved(), director.addresses()
    configure_all(director)
    director.start()
    wait_all(director)
    director.kill()
    forget(director, kind)
    last = director.last_seq()
    director.start()
    until(lambda: director.events(BalancerDecided, after=last), "the first decision")
    assert director.weights()[WEB] == BOTH_UP
    assert director.stop() == 0
    taken = [one for applied in director.events(OperationsApplied, after=last) for one in applied.operations]
    assert not any(isinstance(one, ChangeDestination) for one in taken)
    assert (director.saved(), director.addresses()) == (services, addresses)


def forget(director: Director, kind: type[Event]) -> None:
    """Leave the journal as if the disk had hung from the first such record on."""
    first = next(record.seq for record in director.records() if isinstance(record.event, kind))
    (segment,) = director.journal.glob("*.jsonl")
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[: first - 1]))


@pytest.mark.parametrize("moment", [0.0, 0.05])
def test_a_stop_amid_the_first_changes_leaves_nothing_behind(director: Director, moment: float) -> None:
    services, addresses = director.saved(), director.addresses()
    configure_all(director)
    director.start()
    time.sleep(moment)
    assert director.stop() == 0
    assert (director.saved(), director.addresses()) == (services, addresses)


def test_sigusr2_leaves_the_kernel_serving_and_the_next_start_changes_nothing(
    director: Director, network: Network
) -> None:
    director.configure(balancer(WEB, [FIRST, SECOND]))
    director.start()
    director.wait_weights(WEB, BOTH_UP)
    until(lambda: "10.0.0.100/32" in director.addresses(), "the VIP on lo")
    before = director.saved(), director.addresses()
    with Client(network.client, network.vip) as client:
        client.wait(5)
        assert director.stop(signal.SIGUSR2) == 0
        last = director.last_seq()
        client.wait(10)
        assert (director.saved(), director.addresses()) == before
        director.start()
        client.wait(50)
    assert client.failures() == []
    assert set(client.answered()) == {"real0", "real1"}
    for kind in (OperationsApplied, DriftFound, HealthChanged):
        assert director.events(kind, after=last) == []
    assert (director.saved(), director.addresses()) == before


def test_a_restart_with_another_check_keeps_health_and_weights(director: Director) -> None:
    director.configure(balancer(WEB, [FIRST]))
    director.start()
    director.wait_weights(WEB, {FIRST: WEIGHT})
    director.stop(signal.SIGUSR2)
    director.configure(balancer(WEB, [FIRST], check='{ type = "tcp", interval = "1h" }'))
    director.start()
    assert director.weights()[WEB] == {FIRST: WEIGHT}
