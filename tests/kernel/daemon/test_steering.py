"""Operators' orders with live connections through the kernel: what is served goes on, what is new goes elsewhere."""

import os
import socket
import stat
from pathlib import Path

import pytest

from kglb.events import DrainFinished, RealDrained, RealLeaving, RealRemoved
from lab.namespaces import in_namespace
from lab.net import Network
from tests.kernel.director import WEIGHT, Director, balancer
from tests.patience import PATIENCE

SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"
CHECK = '{ type = "tcp", interval = "1s", timeout = "1s", rise = 1, fall = 3 }'
"""Patient: nothing here is about health, and the machine may be busy."""

SOCKET = Path("/run/kglb/control.sock")


class Connection:
    """A client's connection to the VIP that stays open; ``ask`` says which real it leads to."""

    def __init__(self, network: Network) -> None:
        with in_namespace(network.client):
            self._socket = socket.create_connection((network.vip, 80), timeout=PATIENCE)

    def ask(self) -> str:
        self._socket.sendall(b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n")
        return self._socket.recv(4096).decode().rpartition("\r\n\r\n")[2].strip()

    def close(self) -> None:
        self._socket.close()


def one_each(network: Network) -> tuple[Connection, Connection]:
    """A connection to the first real and one to the second."""
    found = {connection.ask(): connection for connection in (Connection(network), Connection(network))}
    return found["real0"], found["real1"]


def answered(network: Network, times: int = 6) -> set[str]:
    """Which reals serve new connections."""
    found = set()
    for _ in range(times):
        connection = Connection(network)
        found.add(connection.ask())
        connection.close()
    return found


def serving(director: Director, more: str = "") -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND], check=CHECK) + more)
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})


def test_a_drain_cuts_nobody_off_and_outlives_a_crash(director: Director, network: Network) -> None:
    serving(director)
    kept, other = one_each(network)
    ordered = director.verb("drain", "10.2.0.10", "--note", "new disk")
    assert (ordered.returncode, ordered.stderr) == (0, "")
    director.wait_weights(SERVICE, {FIRST: 0, SECOND: WEIGHT})
    assert answered(network) == {"real1"}
    assert kept.ask() == "real0"
    director.kill()
    director.start()
    assert director.weights()[SERVICE] == {FIRST: 0, SECOND: WEIGHT}
    assert (kept.ask(), other.ask(), answered(network)) == ("real0", "real1", {"real1"})
    assert not director.events(DrainFinished)
    waited = director.verb("drain", FIRST, "--wait", "--timeout", "3s")
    assert waited.returncode == 1
    assert f"{FIRST} of {SERVICE} has 1 connection still" in waited.stderr
    kept.close()
    waited = director.verb("drain", FIRST, "--wait", "--timeout", "30s")
    assert (waited.returncode, waited.stderr) == (0, "")
    assert f"{FIRST} of {SERVICE} has no connection left (record " in waited.stdout
    assert {(event.real, event.connections) for event in director.events(DrainFinished)} == {(FIRST, 0)}
    assert director.verb("restore", FIRST).returncode == 0
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    other.close()


def test_a_real_that_leaves_the_config_keeps_its_connections_until_they_end(
    director: Director, network: Network
) -> None:
    patience = 'drain_on_remove = "5m"\n'
    serving(director, patience)
    other, kept = one_each(network)
    director.configure(balancer(SERVICE, [FIRST], check=CHECK) + patience)
    assert director.verb("reload", "--journal", str(director.journal)).returncode == 0
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: 0})
    assert answered(network) == {"real0"}
    director.kill()
    director.start()
    assert kept.ask() == "real1"
    kept.close()
    director.wait_weights(SERVICE, {FIRST: WEIGHT})
    assert [event.real for event in director.events(RealLeaving)] == [SECOND]
    assert [event.real for event in director.events(RealRemoved)] == [SECOND]
    other.close()


def test_only_root_gives_orders(director: Director) -> None:
    serving(director)
    assert stat.S_IMODE(SOCKET.stat().st_mode) == 0o600
    with socket.socket(socket.AF_UNIX) as stranger:
        os.seteuid(65534)
        try:
            with pytest.raises(PermissionError):
                stranger.connect(str(SOCKET))
        finally:
            os.seteuid(0)
    assert director.verb("stop", "--leave").returncode == 0
    assert director.wait() == 0
    assert not SOCKET.exists()
    assert not director.events(RealDrained)
    assert director.weights()[SERVICE] == {FIRST: WEIGHT, SECOND: WEIGHT}
