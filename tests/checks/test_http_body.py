"""HTTP checks that look into the body: bounded, and judged by what has come."""

import socket
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from kglb.model import Endpoint, HttpCheck
from tests.checks.asking import Run, ask
from tests.checks.daemons import nginx
from tests.checks.servers import Handler, answering, resetting, serving, silent
from tests.patience import PATIENCE

CHECK = HttpCheck(body="all is well", timeout=PATIENCE)


def answer(body: bytes, *, status: str = "200 OK", chunked: bool = False) -> bytes:
    if chunked:
        middle = len(body) // 2
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:middle], body[middle:], b""))
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    return f"HTTP/1.1 {status}\r\n{framing}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("check", "sent"),
    [
        (CHECK, answer(b"<p>all is well</p>")),
        (CHECK, answer(b"<p>all is well</p>", chunked=True)),
        (CHECK, b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"all is well")),
        (CHECK, answer(b"all is well") + b"HTTP/1.1 500 more than was asked for\r\n\r\n"),
        (HttpCheck(body_regex=r"(?i)^ALL \w+ well$"), answer(b"all is well")),
        (HttpCheck(body="\u00e9"), answer("caf\u00e9".encode())),
        (HttpCheck(body_regex="caf."), answer(b"caf\xe9")),
        (HttpCheck(body_regex="^$", codes=(204,)), answer(b"", status="204 Nothing")),
    ],
)
def test_the_expected_body_passes(run: Run, check: HttpCheck, sent: bytes) -> None:
    with serving(answering(sent)) as real:
        [outcome] = run(ask(check, real))
    assert (outcome.status, outcome.reason) == ("success", "ok")


@pytest.mark.parametrize(
    ("check", "sent"),
    [
        (CHECK, answer(b"all is lost")),
        (CHECK, answer(b"all is lost", chunked=True)),
        (CHECK, answer(b"")),
        (HttpCheck(body_regex="^well"), answer(b"all is well")),
        (HttpCheck(body="X-Secret"), b"HTTP/1.1 200 OK\r\nX-Secret: 1\r\nContent-Length: 2\r\n\r\nno"),
    ],
)
def test_another_body_fails(run: Run, check: HttpCheck, sent: bytes) -> None:
    with serving(answering(sent)) as real:
        [outcome] = run(ask(check, real))
    assert (outcome.status, outcome.reason) == ("failure", "body does not match")


def test_the_body_is_not_looked_at_where_the_status_is_wrong(run: Run) -> None:
    with serving(answering(answer(b"all is well", status="503 Busy"))) as real:
        [outcome] = run(ask(CHECK, real))
    assert outcome.reason == "unexpected status 503"


def test_a_failure_shows_the_beginning_of_the_body(run: Run) -> None:
    with serving(answering(answer(b"gone\n" + b"x" * 1000))) as real:
        [outcome] = run(ask(CHECK, real))
    assert outcome.detail == repr("gone\n" + "x" * 75) + "..."


def pouring(head: bytes, parts: bytes) -> Handler:
    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        while True:
            connection.sendall(parts)

    return handle


def test_an_endless_body_is_judged_by_its_first_64_kib(run: Run) -> None:
    with serving(pouring(b"HTTP/1.1 200 OK\r\n\r\nall is well", b"x" * 65536)) as real:
        [good] = run(ask(CHECK, real))
    with serving(pouring(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 65536 + b"all is well", b"x" * 65536)) as real:
        [bad] = run(ask(CHECK, real))
    assert (good.reason, bad.reason) == ("ok", "body does not match")


def test_a_body_that_never_ends_and_never_comes_is_a_timeout(run: Run) -> None:
    def stall(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nall is")
        silent(connection)

    with serving(stall) as real:
        [outcome] = run(ask(replace(CHECK, timeout=0.3), real))
    assert (outcome.status, outcome.reason) == ("failure", "timeout during answer")


def test_a_body_that_ends_with_the_connection_is_judged_then(run: Run) -> None:
    def close_after(body: bytes) -> Handler:
        def handle(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)

        return handle

    with serving(close_after(b"all is well")) as good, serving(close_after(b"all is lost")) as bad:
        outcomes = run(ask(CHECK, good)) + run(ask(CHECK, bad))
    assert [outcome.reason for outcome in outcomes] == ["ok", "body does not match"]


def test_a_reset_within_the_body_fails(run: Run) -> None:
    def reset(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nall")
        connection.recv(65536)
        resetting(connection)

    with serving(reset) as real:
        [outcome] = run(ask(CHECK, real))
    assert (outcome.status, outcome.reason) == ("failure", "closed during answer")


def test_chunks_that_are_none_fail(run: Run) -> None:
    sent = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nall is well"
    with serving(answering(sent)) as real:
        [outcome] = run(ask(CHECK, real))
    assert (outcome.status, outcome.reason) == ("failure", "not HTTP")


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, int]]:
    with nginx(f"""
        set $large "{"y" * 4000}";
        location = /well {{ return 200 "all is well"; }}
        location = /lost {{ return 200 "all is lost"; }}
        location = /large {{ return 200 "$large$large$large$large$large$large${{large}}all is well"; }}
    """) as ports:
        yield ports


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(("path", "status"), [("/well", "success"), ("/large", "success"), ("/lost", "failure")])
def test_nginx_is_judged_by_its_pages(run: Run, server: tuple[int, int], tls: bool, path: str, status: str) -> None:
    check = HttpCheck(path=path, body="all is well", tls=tls, timeout=2.0)
    [outcome] = run(ask(check, Endpoint("127.0.0.1", server[tls])))
    assert outcome.status == status
