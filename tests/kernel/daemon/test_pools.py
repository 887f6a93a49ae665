"""Pools with live traffic through the kernel: members that appear are sent clients, members that vanish keep theirs."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.message
import pytest
from dns.rrset import from_text_list

from kglb.events import PoolAnswered, PoolFailed, RealLeaving, RealRemoved
from lab.namespaces import enter, in_namespace
from lab.net import Network
from tests.kernel.daemon.test_steering import CHECK, SERVICE, Connection, answered
from tests.kernel.director import WEIGHT, Director, until

FIRST, SECOND, THIRD = (f"10.2.0.1{number}:80" for number in range(3))
NAME = "web.example.com"


class NameServer:
    """Answers each query for an address on the director's port 53 with ``reals``; with none, that it failed."""

    def __init__(self, network: Network) -> None:
        self.reals: tuple[str, ...] = ()
        self.queries = 0
        with in_namespace(network.director):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", 53))
        self._thread = threading.Thread(target=self._serve, args=(network.director,), daemon=True)
        self._thread.start()
        self._director = network.director

    def _serve(self, namespace: str) -> None:
        enter(namespace)
        while True:
            wire, source = self._socket.recvfrom(4096)
            if not wire:
                return
            self._socket.sendto(self._answer(dns.message.from_wire(wire)).to_wire(), source)
            self.queries += 1

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        if not self.reals:
            answer.set_rcode(dns.rcode.SERVFAIL)
        else:
            addresses = [real.rpartition(":")[0] for real in self.reals]
            answer.answer.append(from_text_list(query.question[0].name, 0, "IN", "A", addresses))
        return answer

    def close(self) -> None:
        with in_namespace(self._director), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", 53))
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def name_server(network: Network) -> Iterator[NameServer]:
    made = NameServer(network)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def asks_it(tmp_path: Path) -> tuple[str, ...]:
    """What runs a program that resolves names by the name server and by no other."""
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    script = f'mount --bind {file} /etc/resolv.conf && exec "$@"'
    return "unshare", "--mount", "sh", "-c", script, "sh"


def pooled(entry: str) -> str:
    return f"""
[[balancer]]
name = "web"
service = "{SERVICE}"
scheduler = "rr"
reals = [{entry}]
check = {CHECK}
resolve_interval = "1s"
drain_on_remove = "1h"
"""


def test_members_appear_and_vanish_as_dns_says_and_nobody_is_cut_off(
    director: Director, network: Network, name_server: NameServer, asks_it: tuple[str, ...]
) -> None:
    name_server.reals = (FIRST,)
    director.configure(pooled(f'{{ dns = "{NAME}:80" }}'))
    director.start(*asks_it)
    director.wait_weights(SERVICE, {FIRST: WEIGHT})
    kept = Connection(network)
    assert kept.ask() == "real0"

    name_server.reals = (FIRST, SECOND)
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    assert answered(network) == {"real0", "real1"}

    name_server.reals = (SECOND,)
    director.wait_weights(SERVICE, {FIRST: 0, SECOND: WEIGHT})
    assert answered(network) == {"real1"}
    assert kept.ask() == "real0", "it is served by whom it was served by"
    (left,) = [
        record.seq for record in director.records() if isinstance(record.event, PoolAnswered) and record.event.left
    ]
    (cause,) = [record.cause for record in director.records() if isinstance(record.event, RealLeaving)]
    assert cause == left

    kept.close()
    director.wait_weights(SERVICE, {SECOND: WEIGHT}, timeout=180.0)
    gone = director.verb("explain", FIRST, "--journal", str(director.journal))
    assert f"as dns {NAME}:80 no longer names it (record {left})" in gone.stderr


def test_a_dead_resolver_takes_nobody_away_at_a_restart_either(
    director: Director, network: Network, name_server: NameServer, asks_it: tuple[str, ...]
) -> None:
    name_server.reals = (FIRST, SECOND)
    director.configure(pooled(f'{{ dns = "{NAME}:80" }}'))
    director.start(*asks_it)
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    name_server.reals = ()
    until(lambda: director.events(PoolFailed), "the record of a failure")
    director.kill()
    director.start(*asks_it)
    asked = name_server.queries
    until(lambda: name_server.queries > asked + 2, "more queries")
    assert director.weights()[SERVICE] == {FIRST: WEIGHT, SECOND: WEIGHT}
    assert answered(network) == {"real0", "real1"}
    assert not director.events(RealRemoved)
    pool = f'{{balancer="web",service="{SERVICE}",pool="dns {NAME}:80"}}'
    assert director.scraped(f"kglb_pool_failing{pool}") == 1
    assert director.scraped(f"kglb_pool_members{pool}") == 2


def test_a_file_that_is_replaced_is_followed_and_one_that_is_broken_is_not(
    director: Director, network: Network, tmp_path: Path
) -> None:
    file = tmp_path / "web.json"

    def put(text: str) -> None:
        beside = tmp_path / "new"
        beside.write_text(text)
        beside.replace(file)

    put(json.dumps([{"targets": [FIRST, SECOND]}]))
    director.configure(pooled(f'{{ file = "{file}" }}'))
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    put('[{"targets": [')
    until(lambda: director.events(PoolFailed), "the record of a failure")
    assert director.weights()[SERVICE] == {FIRST: WEIGHT, SECOND: WEIGHT}
    put(json.dumps([{"targets": [SECOND, THIRD], "labels": {"kglb_weight": "7"}}]))
    director.wait_weights(SERVICE, {SECOND: 7, THIRD: 7})
    assert answered(network) == {"real1", "real2"}
