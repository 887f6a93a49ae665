"""The TCP check: passes when the connection is accepted."""

import os
import socket
from queue import SimpleQueue

import pytest

from kglb.model import HttpCheck, TcpCheck
from tests.checks.asking import Run, ask
from tests.checks.servers import answering, black_hole, refusing, resetting, serving, silent

LOOPBACKS = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])


@LOOPBACKS
def test_an_accepted_connection_passes(run: Run, address: str) -> None:
    with serving(silent, address) as real:
        [outcome] = run(ask(TcpCheck(), real))
    assert (outcome.status, outcome.reason) == ("success", "ok")
    assert 0 < outcome.latency < 1


@LOOPBACKS
def test_a_refused_connection_fails(run: Run, address: str) -> None:
    with refusing(address) as real:
        [outcome] = run(ask(TcpCheck(), real))
    assert (outcome.status, outcome.reason, outcome.detail) == ("failure", "refused", "Connection refused")


@LOOPBACKS
def test_a_real_that_drops_packets_fails_after_the_timeout(run: Run, address: str) -> None:
    with black_hole(address) as real:
        [outcome] = run(ask(TcpCheck(timeout=0.3), real))
    assert (outcome.status, outcome.reason) == ("failure", "timeout during connect")
    assert 0.3 <= outcome.latency <= 0.4


def test_a_timeout_shorter_than_a_connection_is_young_holds_too(run: Run) -> None:
    with black_hole() as real:
        [outcome] = run(ask(TcpCheck(timeout=0.02), real))
    assert outcome.reason == "timeout during connect"
    assert 0.02 <= outcome.latency <= 0.12


def test_a_server_that_accepts_and_resets_passes_whenever_we_look(run: Run) -> None:
    with serving(resetting) as real:
        outcomes = run(ask(TcpCheck(), real, times=20))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("success", "ok")}


def test_the_connection_ends_with_a_reset(run: Run) -> None:
    endings: SimpleQueue[object] = SimpleQueue()

    def read(connection: socket.socket) -> None:
        try:
            endings.put(connection.recv(1))
        except OSError as error:
            endings.put(type(error))

    with serving(read) as real:
        run(ask(TcpCheck(), real))
        assert endings.get(timeout=5) is ConnectionResetError


def test_the_source_address_is_the_one_configured(run: Run) -> None:
    peers: SimpleQueue[str] = SimpleQueue()
    with serving(answering(b"HTTP/1.1 200 OK\r\n\r\n", peers)) as real:
        [outcome] = run(ask(HttpCheck(source="127.0.0.9"), real))
        assert outcome.status == "success"
        assert peers.get(timeout=5) == "127.0.0.9"


def test_a_source_address_that_is_not_here_says_nothing_about_the_real(run: Run) -> None:
    with serving(silent) as real:
        [outcome] = run(ask(TcpCheck(source="192.0.2.1"), real))
    assert (outcome.status, outcome.reason) == ("unknown", "local error EADDRNOTAVAIL")


def test_the_checks_own_port_is_the_one_asked(run: Run) -> None:
    with serving(silent) as real, refusing() as other:
        [outcome] = run(ask(TcpCheck(port=other.port), real))
    assert outcome.reason == "refused"


def test_two_hundred_checks_leave_no_descriptor_open(run: Run) -> None:
    with serving(silent) as real, refusing() as dead:
        run(ask(TcpCheck(), real))
        before = len(os.listdir("/proc/self/fd"))
        run(ask(TcpCheck(), dead, times=200))
    assert len(os.listdir("/proc/self/fd")) <= before
