"""The syslog check: a probe message that a daemon takes."""

import os
import re
import socket
import time
from queue import SimpleQueue
from typing import get_args

import pytest

from kglb.checks.syslog import syslog_message
from kglb.model import Endpoint, SyslogCheck, SyslogLevel
from tests.checks.asking import Run, ask, lasted
from tests.checks.daemons import rsyslogd
from tests.checks.servers import black_hole, refusing, serving, udp_closed, udp_serving
from tests.patience import PATIENCE

LOOPBACKS = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])


@pytest.mark.parametrize(("number", "level"), list(enumerate(get_args(SyslogLevel))))
def test_the_message_is_one_of_rfc_5424(number: int, level: SyslogLevel) -> None:
    pattern = rf"<{8 + number}>1 - \S+ SyslogHealthChecker {os.getpid()} - - probe message\.\n"
    assert re.fullmatch(pattern, syslog_message(level).decode())


@LOOPBACKS
def test_a_datagram_that_brings_no_error_passes_at_the_timeout(run: Run, address: str) -> None:
    heard: list[bytes] = []

    def listen(datagram: bytes) -> list[bytes]:
        heard.append(datagram)
        return []

    with udp_serving(listen, address) as real:
        [outcome] = run(ask(SyslogCheck(timeout=0.15), real))
    assert (outcome.status, set(heard)) == ("success", {syslog_message("info")})
    assert lasted(outcome.latency, 0.15)


@LOOPBACKS
def test_a_closed_udp_port_fails(run: Run, address: str) -> None:
    with udp_closed(address) as real:
        [outcome] = run(ask(SyslogCheck(), real))
    assert (outcome.status, outcome.reason) == ("failure", "refused")


@LOOPBACKS
def test_a_message_over_tcp_arrives_whole_and_in_order(run: Run, address: str) -> None:
    heard: SimpleQueue[bytes] = SimpleQueue()

    def listen(connection: socket.socket) -> None:
        time.sleep(0.02)  # the check is over by now
        heard.put(connection.recv(1000))
        heard.put(connection.recv(1000))

    with serving(listen, address) as real:
        [outcome] = run(ask(SyslogCheck(protocol="tcp", level="err"), real))
        assert outcome.status == "success"
        assert (heard.get(timeout=PATIENCE), heard.get(timeout=PATIENCE)) == (syslog_message("err"), b"")


def test_a_tcp_server_that_is_not_there_fails(run: Run) -> None:
    with refusing() as closed, black_hole() as deaf:
        [refused] = run(ask(SyslogCheck(protocol="tcp"), closed))
        [timeout] = run(ask(SyslogCheck(protocol="tcp", timeout=0.2), deaf))
    assert (refused.reason, timeout.reason) == ("refused", "timeout during connect")


def test_rsyslogd_takes_the_messages(run: Run) -> None:
    with rsyslogd() as (port, messages):
        real = Endpoint("127.0.0.1", 1)
        outcomes = run(ask(SyslogCheck(port=port, timeout=0.1), real))
        outcomes += run(ask(SyslogCheck(port=port, protocol="tcp", level="err"), real))
        assert [outcome.status for outcome in outcomes] == ["success", "success"]
        expected = {f"{number} SyslogHealthChecker:probe message." for number in (14, 11)}
        found: set[str] = set()
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and found != expected:
            time.sleep(0.02)
            found = set(messages.read_text().splitlines()) if messages.exists() else set()
        assert found == expected
