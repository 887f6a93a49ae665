"""The ping check in a real network, by an unprivileged ICMP socket and by a raw one."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kglb.checks.dial import Dialer
from kglb.checks.outcome import Outcome
from kglb.model import Endpoint, PingCheck
from lab.namespaces import in_namespace
from lab.net import Network
from tests.checks.asking import ask

ALLOWED = Path("/proc/sys/net/ipv4/ping_group_range")


@pytest.fixture(params=["0 0", "1 0"], ids=["unprivileged", "raw"])
def kind(request: pytest.FixtureRequest, network: Network) -> Iterator[int]:
    with in_namespace(network.director):
        ALLOWED.write_text(request.param)
        yield socket.SOCK_DGRAM if request.param == "0 0" else socket.SOCK_RAW


def ping(address: str) -> list[Outcome]:
    return asyncio.run(ask(PingCheck(timeout=0.3), Endpoint(address, 0), times=2))


def test_a_host_that_replies_passes_and_one_that_does_not_fails(network: Network, kind: int) -> None:
    real = network.reals[0]
    with closing(Dialer().dial_icmp(Endpoint(real.address, 0))) as sock:
        assert sock.type == kind
    for address in (real.address, real.address6):
        assert {outcome.reason for outcome in ping(address)} == {"ok"}
    network.drop(real)
    assert {(outcome.status, outcome.reason) for outcome in ping(real.address)} == {
        ("failure", "timeout during answer")
    }


@pytest.mark.usefixtures("kind")
def test_a_network_without_a_route_fails_at_once() -> None:
    [outcome, _] = ping("203.0.113.1")
    assert (outcome.status, outcome.reason) == ("failure", "network unreachable")
