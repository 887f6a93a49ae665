"""The ping check: an ICMP echo request, and the reply to this very request."""

import socket
import struct
from collections.abc import Callable

import pytest

from kglb.checks.dial import Dialer
from kglb.checks.outcome import Outcome
from kglb.checks.ping import PingProbe, _checksum
from kglb.model import Endpoint, PingCheck
from tests.checks.asking import Run, ask, ask_by
from tests.checks.servers import udp_serving
from tests.patience import PATIENCE


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.7", "::1"])
def test_a_host_that_replies_passes(run: Run, address: str) -> None:
    outcomes = run(ask(PingCheck(timeout=PATIENCE), Endpoint(address, 0), times=3))
    if outcomes[0].reason == "ICMP not permitted":
        pytest.skip(outcomes[0].detail)
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("success", "ok")}


class OverUdp(PingProbe):
    """Speaks to a UDP server, which answers as a host of the test's making would."""

    def dial(self) -> socket.SocketType:
        return self.dialer.dial_udp(self.target)


def pinged(run: Run, reply: Callable[[bytes], list[bytes]], timeout: float) -> Outcome:
    with udp_serving(reply) as target:
        [outcome] = run(ask_by(lambda answers: OverUdp(target, Dialer(), timeout=timeout, answered=answers)))
    return outcome


def test_the_reply_carries_the_requests_token(run: Run) -> None:
    assert pinged(run, lambda request: [b"\x00" + request[1:]], PATIENCE).status == "success"


@pytest.mark.parametrize(
    "reply",
    [
        lambda request: [request],
        lambda request: [b"\x00" + request[1:8] + bytes(16)],
        lambda request: [b"\x03" + request[1:]],
        lambda request: [b"\x00" + request[1:-1]],
        lambda _: [b"", b"\x00"],
        lambda _: [],
    ],
    ids=["its own request", "another token", "another type", "cut", "too short", "silence"],
)
def test_nothing_else_is_a_reply(run: Run, reply: Callable[[bytes], list[bytes]]) -> None:
    outcome = pinged(run, reply, 0.15)
    assert (outcome.status, outcome.reason) == ("failure", "timeout during answer")


def test_every_request_has_a_token_of_its_own_and_a_right_checksum() -> None:
    probe = PingProbe(Endpoint("127.0.0.1", 0), Dialer(), timeout=1.0, answered=lambda _: None)
    first, second = probe.message(), probe.message()
    assert first[8:] != second[8:]
    assert struct.unpack(">BB", first[:2]) == (8, 0)
    assert _checksum(first) == 0


def test_without_permission_nothing_is_said_about_the_real(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Dialer, "dial_icmp", forbidden)
    [outcome] = run(ask(PingCheck(), Endpoint("127.0.0.1", 0)))
    assert (outcome.status, outcome.reason) == ("unknown", "ICMP not permitted")
    assert "CAP_NET_RAW" in outcome.detail
    assert "net.ipv4.ping_group_range" in outcome.detail
