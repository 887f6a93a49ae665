"""The real is a proxy: GET by absolute URL for http, a tunnel by CONNECT for https; in plain text and over TLS."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from queue import SimpleQueue

import pytest

from kglb.model import Endpoint, HttpCheck
from tests.checks.asking import Run, ask
from tests.checks.daemons import nginx, tinyproxy
from tests.checks.servers import (
    CA_FILE,
    CA_SIGNED,
    Handler,
    answering,
    over_tls,
    refusing,
    resetting,
    server_context,
    serving,
    silent,
)
from tests.patience import PATIENCE

OK_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

BY_TLS = pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])


def secured(handle: Handler, tls: bool) -> Handler:
    return over_tls(handle) if tls else handle


def tunnelling(connects: SimpleQueue[bytes] | None = None, reply: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Handler:
    """A proxy that grants a CONNECT and copies bytes both ways."""

    def handle(connection: socket.socket) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += connection.recv(1000)
        if connects is not None:
            connects.put(request)
        host, port = request.split()[1].decode().rsplit(":", 1)
        with closing(socket.create_connection((host.strip("[]"), int(port)), 5)) as origin:
            connection.sendall(reply)
            back = threading.Thread(target=copy, args=(origin, connection), daemon=True)
            back.start()
            copy(connection, origin)
            with suppress(OSError):
                origin.shutdown(socket.SHUT_RDWR)
            back.join(5)

    return handle


def copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError, ssl.SSLError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)


@BY_TLS
def test_an_http_url_is_asked_for_by_its_absolute_form(run: Run, tls: bool) -> None:
    requests: SimpleQueue[bytes] = SimpleQueue()
    check = HttpCheck(proxy_check_url="http://www.test:81/KgLB?a=1", tls=tls, headers={"X-Probe": "1"})
    with serving(secured(answering(OK_ANSWER, requests=requests), tls)) as real:
        [outcome] = run(ask(check, real))
    request = requests.get(timeout=PATIENCE)
    assert outcome.status == "success"
    assert request.startswith(b"GET http://www.test:81/KgLB?a=1 HTTP/1.1\r\nHost: www.test:81\r\n")
    assert b"\r\nX-Probe: 1\r\n" in request


@BY_TLS
def test_the_codes_apply_to_what_the_proxy_answers(run: Run, tls: bool) -> None:
    with serving(secured(answering(b"HTTP/1.1 502 Bad Gateway\r\n\r\n"), tls)) as real:
        [outcome] = run(ask(HttpCheck(proxy_check_url="http://www.test/", tls=tls), real))
    assert (outcome.status, outcome.reason) == ("failure", "unexpected status 502")


@BY_TLS
def test_an_https_url_is_asked_for_through_a_tunnel(run: Run, tls: bool) -> None:
    connects: SimpleQueue[bytes] = SimpleQueue()
    requests: SimpleQueue[bytes] = SimpleQueue()
    with (
        serving(over_tls(answering(OK_ANSWER, requests=requests))) as origin,
        serving(secured(tunnelling(connects), tls)) as real,
    ):
        check = HttpCheck(proxy_check_url=f"https://{origin}/KgLB", tls=tls, body="ok")
        outcomes = run(ask(check, real, times=3))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("success", "ok")}
    assert connects.get(timeout=PATIENCE).startswith(f"CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n".encode())
    assert requests.get(timeout=PATIENCE).startswith(f"GET /KgLB HTTP/1.1\r\nHost: {origin}\r\n".encode())


@BY_TLS
def test_a_large_answer_comes_through_the_tunnel_whole(run: Run, tls: bool) -> None:
    body = b"x" * 50_000 + b"the end"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with serving(over_tls(answering(answer))) as origin, serving(secured(tunnelling(), tls)) as real:
        [outcome] = run(ask(HttpCheck(proxy_check_url=f"https://{origin}/", tls=tls, body="the end"), real))
    assert outcome.reason == "ok"


@BY_TLS
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 503 Busy\r\n\r\n", "unexpected status 503"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", "body does not match"),
        (b"hello\r\n", "not HTTP"),
    ],
)
def test_a_wrong_answer_from_behind_the_tunnel_fails(run: Run, tls: bool, answer: bytes, reason: str) -> None:
    with serving(over_tls(answering(answer))) as origin, serving(secured(tunnelling(), tls)) as real:
        [outcome] = run(ask(HttpCheck(proxy_check_url=f"https://{origin}/", tls=tls, body="ok"), real))
    assert (outcome.status, outcome.reason) == ("failure", reason)


def test_a_long_refusal_of_the_proxy_is_shown_in_part(run: Run) -> None:
    with serving(answering(b"HTTP/1.1 407 " + b"x" * 60_000 + b"\r\n\r\n")) as real:
        [outcome] = run(ask(HttpCheck(proxy_check_url="https://www.test/"), real))
    assert outcome.reason == "proxy refused with 407"
    assert outcome.detail == "HTTP/1.1 407 " + "x" * 67


@BY_TLS
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy refused with 407"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "proxy refused with 302"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "endless head"),
        (b"HTTP/1.1 200 OK\r\n\r\nthis is no TLS at all", "TLS error during handshake"),
    ],
    ids=["407", "302", "garbage", "endless", "no TLS"],
)
def test_a_proxy_that_does_not_grant_the_tunnel_fails(run: Run, tls: bool, reply: bytes, reason: str) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(reply)
        connection.recv(1000)
        connection.sendall(b"nor is this")
        silent(connection)

    with serving(secured(handle, tls)) as real:
        [outcome] = run(ask(HttpCheck(proxy_check_url="https://www.test/", tls=tls, codes=(200, 407)), real))
    assert (outcome.status, outcome.reason) == ("failure", reason)


@BY_TLS
@pytest.mark.parametrize("handler", [socket.socket.close, resetting], ids=["closed", "reset"])
def test_a_proxy_that_breaks_off_fails(run: Run, tls: bool, handler: Handler) -> None:
    with serving(handler) as real:
        [outcome] = run(ask(HttpCheck(proxy_check_url="https://www.test/", tls=tls), real))
    assert (outcome.status, outcome.reason) == ("failure", "closed during tunnel setup")


@BY_TLS
def test_an_origin_that_closes_in_the_handshake_fails(run: Run, tls: bool) -> None:
    with serving(lambda connection: connection.recv(1000)) as origin, serving(secured(tunnelling(), tls)) as real:
        [outcome] = run(ask(HttpCheck(proxy_check_url=f"https://{origin}/", tls=tls, timeout=0.3), real))
    assert outcome.status == "failure"
    assert outcome.reason in ("closed during handshake", "timeout during handshake")


@BY_TLS
def test_a_silent_proxy_is_a_timeout_and_a_missing_one_refused(run: Run, tls: bool) -> None:
    check = HttpCheck(proxy_check_url="https://www.test/", tls=tls, timeout=0.2)
    with serving(silent) as deaf, refusing() as closed:
        outcomes = run(ask(check, deaf)) + run(ask(check, closed))
    assert [outcome.reason for outcome in outcomes] == ["timeout during tunnel setup", "refused"]


def test_verification_asks_both_the_proxy_and_the_origin_for_their_names(run: Run) -> None:
    def check(origin: Endpoint, sni: str = "") -> HttpCheck:
        url = f"https://{origin}/"
        return HttpCheck(proxy_check_url=url, tls=True, verify=True, ca_file=str(CA_FILE), timeout=2.0, sni=sni)

    known = server_context(CA_SIGNED)
    with (
        serving(over_tls(answering(OK_ANSWER), known)) as origin,
        serving(over_tls(answering(OK_ANSWER))) as stranger,
        serving(over_tls(tunnelling(), known)) as real,
        serving(over_tls(tunnelling())) as strange,
    ):
        outcomes = [
            *run(ask(check(origin), real)),
            *run(ask(check(origin, sni="real.test"), real)),
            *run(ask(check(stranger), real)),
            *run(ask(check(origin), strange)),
            *run(ask(check(origin, sni="other.test"), real)),
        ]
    refused = "certificate not accepted"
    assert [outcome.reason for outcome in outcomes] == ["ok", "ok", refused, refused, refused]


@pytest.fixture(scope="module")
def site() -> Iterator[Callable[[bool], Endpoint]]:
    with nginx('location = /well { return 200 "all is well"; }') as ports:
        yield lambda tls: Endpoint("127.0.0.1", ports[tls])


@pytest.fixture(scope="module")
def proxy() -> Iterator[Endpoint]:
    with tinyproxy() as port:
        yield Endpoint("127.0.0.1", port)


@BY_TLS
def test_tinyproxy_gets_pages_of_nginx(run: Run, proxy: Endpoint, site: Callable[[bool], Endpoint], tls: bool) -> None:
    place = f"{'https' if tls else 'http'}://{site(tls)}"
    good = HttpCheck(proxy_check_url=f"{place}/well", body="all is well", timeout=3.0)
    missing = HttpCheck(proxy_check_url=f"{place}/missing", timeout=3.0)
    outcomes = run(ask(good, proxy)) + run(ask(missing, proxy))
    assert [outcome.reason for outcome in outcomes] == ["ok", "unexpected status 404"]


def test_tinyproxy_does_not_reach_a_closed_port(run: Run, proxy: Endpoint) -> None:
    with refusing() as closed:
        [outcome] = run(ask(HttpCheck(proxy_check_url=f"https://{closed}/", timeout=3.0), proxy))
    assert (outcome.status, outcome.reason) == ("failure", "proxy refused with 500")
