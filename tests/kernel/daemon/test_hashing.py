"""sh and mh as docs/configure.md recommends them: each real has clients, each client a real, another order shows."""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from lab.namespaces import in_namespace, ip
from lab.net import Network
from lab.reals import Reals
from tests.kernel.director import PATIENT, WEIGHT, Director, balancer, until

SERVICE = "tcp://10.0.0.100:80"
CLIENTS = [f"10.9.{number // 200}.{number % 200 + 1}" for number in range(400)]
OUT_OF_ORDER = f"{SERVICE}: the kernel got its reals in another order than the config's"

Map = dict[str, str]
"""Which real each client gets, or the error that it gets instead."""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """Ten reals, and four hundred addresses that the client can ask from."""
    with Network(reals=10, shared=True) as made:
        with in_namespace(made.client):
            ip("route add local 10.9.0.0/16 dev lo")
        with in_namespace(made.director):
            ip(f"route add 10.9.0.0/16 via {made.client_address}")
        yield made


@pytest.fixture
def pool(network: Network) -> list[str]:
    return [f"{real.address}:80" for real in network.reals]


def asked(network: Network) -> Map:
    with in_namespace(network.client):
        return {source: ask(source, network.vip) for source in CLIENTS}


def ask(source: str, vip: str) -> str:
    with closing(HTTPConnection(vip, timeout=5, source_address=(source, 0))) as connection:
        try:
            connection.request("GET", "/")
        except OSError as error:
            return type(error).__name__
        return connection.getresponse().read().decode().strip()


def serving(director: Director, pool: list[str], scheduler: str, *flags: str) -> dict[str, int]:
    """Start with these reals, and return their weights once all are up."""
    director.configure(balancer(SERVICE, pool, scheduler=scheduler, flags=flags, check=PATIENT))
    director.start()
    weights = dict.fromkeys(pool, 1 if scheduler == "sh" else WEIGHT)
    director.wait_weights(SERVICE, weights)
    return weights


def test_sh_without_weights_spreads_clients_over_all_reals(
    director: Director, network: Network, pool: list[str]
) -> None:
    serving(director, pool, "sh", "sh-fallback")
    shares = Counter(asked(network).values())
    assert shares.keys() == {real.name for real in network.reals}
    assert min(shares.values()) > len(CLIENTS) / len(pool) / 2


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_with_the_fallback_flag_only_the_clients_of_a_real_that_is_down_move(
    director: Director, network: Network, reals: Reals, pool: list[str], scheduler: str
) -> None:
    weights = serving(director, pool, scheduler, f"{scheduler}-fallback")
    before, down = asked(network), network.reals[3]
    reals.behave("dead", down)
    director.wait_weights(SERVICE, {**weights, pool[3]: 0})
    after = asked(network)
    others = {real.name for real in network.reals} - {down.name}
    assert {*after.values()} == others
    assert {client for client in CLIENTS if after[client] != before[client]} == {
        client for client, real in before.items() if real == down.name
    }


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_without_it_they_are_refused_as_check_warns(
    director: Director, network: Network, reals: Reals, pool: list[str], scheduler: str
) -> None:
    weights = serving(director, pool, scheduler)
    assert f"{scheduler} refuses new connections of the clients whose real is down" in director.log.read_text()
    before, down = asked(network), network.reals[3]
    reals.behave("dead", down)
    director.wait_weights(SERVICE, {**weights, pool[3]: 0})
    assert asked(network) == {
        client: "ConnectionRefusedError" if real == down.name else real for client, real in before.items()
    }


def test_reals_that_a_reload_adds_come_last_which_the_state_hash_and_doctor_tell_until_a_fresh_start(
    director: Director, network: Network, pool: list[str]
) -> None:
    def hash_now() -> float | None:
        return director.scraped("kglb_state_hash")

    def doctor() -> str:
        return director.verb("doctor", str(director.config)).stdout

    weights = serving(director, pool[5:], "mh", "mh-fallback")
    director.configure(balancer(SERVICE, pool, scheduler="mh", flags=["mh-fallback"], check=PATIENT))
    director.tell(signal.SIGHUP)
    director.wait_weights(SERVICE, {**dict.fromkeys(pool, WEIGHT), **weights})
    reloaded, by_reload = asked(network), hash_now()
    assert OUT_OF_ORDER in doctor()

    assert director.stop(signal.SIGUSR2) == 0
    director.start()
    until(lambda: hash_now() == by_reload, "the same number after a restart that leaves the kernel as it is")

    assert director.stop() == 0
    director.start()
    director.wait_weights(SERVICE, dict.fromkeys(pool, WEIGHT))
    afresh = asked(network)
    assert afresh != reloaded
    assert hash_now() != by_reload
    assert OUT_OF_ORDER not in doctor()
