"""A TCP socket that served one check serves the next, and nothing of the first shows in the second."""

import os
import select
import socket
import time
from collections.abc import Iterator

import pytest

from kglb.checks.dial import Dialer
from kglb.checks.make import make_probe
from kglb.checks.spares import MOST, SPARES
from kglb.model import Endpoint, HttpCheck, TcpCheck
from tests.checks.asking import Answers, Run, ask, probing
from tests.checks.servers import answering, refusing, serving, silent
from tests.patience import PATIENCE

LOOPBACKS = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    SPARES.close()
    yield
    SPARES.close()


def connected(real: Endpoint, dialer: Dialer) -> socket.SocketType:
    """A connection whose handshake is over."""
    sock = dialer.dial(real)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            sock.getpeername()
        except OSError:
            time.sleep(0.001)
        else:
            return sock
    raise AssertionError("not connected")


def heard(sock: socket.SocketType) -> bytes:
    """The first byte that came, and is still to be read."""
    select.select([sock], [], [], PATIENCE)
    return sock.recv(1, socket.MSG_PEEK)


@LOOPBACKS
def test_one_socket_after_the_other_connection(address: str) -> None:
    with serving(silent, address) as real:
        first = connected(real, Dialer())
        number, port = first.fileno(), first.getsockname()[1]
        Dialer().hang_up(first)
        second = connected(real, Dialer())
        assert second.fileno() == number
        assert second.getsockname()[1] != port, "two connections from one port could be taken for one another"
        second.close()


@LOOPBACKS
def test_hanging_up_resets_the_connection(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        sock = connected(Endpoint(address, server.getsockname()[1]), Dialer())
        accepted, _ = server.accept()
        accepted.settimeout(PATIENCE)
        Dialer().hang_up(sock)
        with accepted, pytest.raises(ConnectionResetError):
            accepted.recv(1)


def test_a_spare_has_no_error_and_no_answer_of_the_connection_before() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        real = Endpoint(*server.getsockname())
        first = connected(real, Dialer())
        accepted, _ = server.accept()
        accepted.sendall(b"for the first one")
        assert heard(first) == b"f"
        Dialer().hang_up(first)
        second = connected(real, Dialer())
        assert second.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        with pytest.raises(BlockingIOError):
            second.recv(1)
        accepted.close()
        second.close()


def test_what_was_refused_is_closed_and_not_kept() -> None:
    with refusing() as real:
        sock = Dialer().dial(real)
        sock.close()
    assert len(SPARES) == 0


@pytest.mark.parametrize("dialer", [Dialer("127.0.0.1"), Dialer(fin=True)], ids=["source", "fin"])
def test_a_connection_with_a_property_of_its_own_is_neither_kept_nor_made_of_a_spare(dialer: Dialer) -> None:
    with serving(silent) as real:
        Dialer().hang_up(connected(real, Dialer()))
        sock = connected(real, dialer)
        assert len(SPARES) == 1
        dialer.hang_up(sock)
        assert len(SPARES) == 1
        assert sock.fileno() == -1


def test_no_more_are_kept_than_the_reserve_of_descriptors_bears() -> None:
    with serving(silent) as real:
        before = len(os.listdir("/proc/self/fd"))
        for sock in [connected(real, Dialer()) for _ in range(MOST + 5)]:
            Dialer().hang_up(sock)
        assert len(SPARES) == MOST
        SPARES.close()
        while len(os.listdir("/proc/self/fd")) > before:  # the server's side takes a moment
            time.sleep(0.01)


def test_a_real_that_refuses_is_found_dead_on_a_socket_that_served_before(run: Run) -> None:
    async def both(alive: Endpoint, dead: Endpoint) -> list[str]:
        reasons = []
        async with probing() as prober:
            for target in (alive, dead, alive):
                answers = Answers()
                prober.schedule(make_probe(TcpCheck(), target, answered=answers), 0.0)
                reasons += [outcome.reason for outcome in await answers.first(1)]
        return reasons

    with serving(silent) as alive, refusing() as dead:
        assert run(both(alive, dead)) == ["ok", "refused", "ok"]


def test_http_answers_are_not_mixed_up(run: Run) -> None:
    late = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + bytes(300000)
    with serving(answering(late)) as real:
        outcomes = run(ask(HttpCheck(), real, times=30))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("success", "ok")}
