"""Real servers do as they are told, and the client's record says what its user saw."""

import socket
import time
from collections.abc import Iterator

import pytest

from lab.client import Client
from lab.namespaces import command, in_namespace
from lab.net import Network
from lab.reals import HTTP_ONLY, Behaviour, Reals
from tests.kernel.director import until
from tests.patience import PATIENCE


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network(reals=2) as made:
        yield made


@pytest.fixture
def reals(network: Network) -> Iterator[Reals]:
    with Reals(network) as made:
        yield made


def outcomes(network: Network, address: str, *, timeout: float = PATIENCE) -> set[str]:
    """What becomes of a few requests to one address, from the client's namespace."""
    with Client(network.client, address, rate=100, timeout=timeout) as client:
        client.wait(3)
    return {sample.real or sample.error for sample in client.samples()}


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ("error", "HTTP/1.1 500 Internal Server Error"),
        ("hang", "timeout"),
        ("refuse", "ECONNREFUSED"),
        ("dead", "ECONNREFUSED"),
    ],
)
def test_a_real_misbehaves_alone_and_comes_back(
    network: Network, reals: Reals, behaviour: Behaviour, outcome: str
) -> None:
    bad, good = network.reals
    reals.behave(behaviour, bad)
    timeout = 0.2 if outcome == "timeout" else PATIENCE
    assert outcomes(network, bad.address, timeout=timeout) == {outcome}
    assert outcomes(network, bad.address6, timeout=timeout) == {outcome}
    assert outcomes(network, good.address) == {good.name}
    reals.behave("answer", bad)
    assert outcomes(network, bad.address) == {bad.name}


def test_a_real_that_drops_its_packets_gives_no_sign_at_all(network: Network, reals: Reals) -> None:
    bad, good = network.reals
    network.drop(bad)
    assert outcomes(network, bad.address, timeout=0.2) == {"timeout"}
    assert outcomes(network, bad.address6, timeout=0.2) == {"timeout"}
    assert outcomes(network, good.address) == {good.name}
    network.restore(bad)
    assert outcomes(network, bad.address) == {bad.name}


def connect(network: Network, address: str, kind: socket.SocketKind) -> socket.socket:
    with in_namespace(network.client):
        endpoint = socket.socket(socket.AF_INET, kind)
    endpoint.settimeout(PATIENCE)
    endpoint.connect((address, 7))
    return endpoint


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_real_echoes_after_its_name(network: Network, reals: Reals, kind: socket.SocketKind) -> None:
    with connect(network, network.reals[1].address, kind) as endpoint:
        endpoint.send(b"hello")
        assert endpoint.recv(100) == b"real1: hello"


def test_old_connections_survive_a_real_that_refuses_but_not_one_that_died(network: Network, reals: Reals) -> None:
    real = network.reals[0]
    with connect(network, real.address, socket.SOCK_STREAM) as endpoint:
        endpoint.send(b"one")
        assert endpoint.recv(100) == b"real0: one"
        reals.behave("refuse", real)
        endpoint.send(b"two")
        assert endpoint.recv(100) == b"real0: two"
        reals.behave("dead", real)
        with pytest.raises(ConnectionResetError):
            endpoint.recv(100)


def test_when_the_process_is_killed_all_reals_refuse(network: Network, reals: Reals) -> None:
    reals.kill()
    assert {outcome for real in network.reals for outcome in outcomes(network, real.address)} == {"ECONNREFUSED"}


def test_a_hundred_reals_in_one_namespace_behave_each_on_its_own() -> None:
    with Network(reals=100, shared=True, prefix="many") as network, Reals(network, HTTP_ONLY) as reals:
        reals.behave("error", *network.reals[::2])
        network.drop(network.reals[1])
        assert outcomes(network, network.reals[0].address) == {"HTTP/1.1 500 Internal Server Error"}
        assert outcomes(network, network.reals[1].address6, timeout=0.2) == {"timeout"}
        assert outcomes(network, network.reals[99].address6) == {"real99"}


def test_a_real_that_dies_behind_the_vip_costs_only_its_share(network: Network, reals: Reals) -> None:
    network.add_vip(network.vip)
    with in_namespace(network.director):
        command("ipvsadm", "-A", "-t", f"{network.vip}:80", "-s", "rr")
        for real in network.reals:
            command("ipvsadm", "-a", "-t", f"{network.vip}:80", "-r", f"{real.address}:80", "-m")
    with Client(network.client, network.vip, rate=50) as client:
        client.wait(6)
        reals.behave("dead", network.reals[0])
        died = time.monotonic()
        until(lambda: len(client.samples(died)) >= 6, "requests")
    assert set(client.answered()) == {"real0", "real1"}
    assert set(client.answered(since=died)) == {"real1"}
    assert {sample.error for sample in client.failures(since=died)} == {"ECONNREFUSED"}
