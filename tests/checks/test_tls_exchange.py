"""The TCP check over TLS: hands are shaken, and what is said in it goes as expected."""

import socket
import ssl
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from msgspec.structs import replace

from kglb.checks.make import make_probe
from kglb.checks.secured import RESUMPTIONS
from kglb.model import Endpoint, TcpCheck
from tests.checks.asking import Run, ask, lasted
from tests.checks.daemons import nginx
from tests.checks.servers import (
    CA_FILE,
    CA_SIGNED,
    CERTIFICATE,
    EXPIRED,
    Handler,
    over_tls,
    refusing,
    resetting,
    server_context,
    serving,
    silent,
)

VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
SHAKING = TcpCheck(tls=True, timeout=10.0)
GREETED = TcpCheck(tls=True, expect_regex="^220 ", timeout=10.0)
PING = TcpCheck(tls=True, send=b"PING\r\n", expect=b"+PONG", timeout=10.0)


def speaking(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = server_context()
    context.minimum_version = context.maximum_version = version
    return context


def greeting(*parts: bytes, then: Handler = silent) -> Handler:
    """Speak first, as SMTP does."""

    def handle(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.01)
        then(connection)

    return handle


def replying(answer: bytes, then: Handler = silent) -> Handler:
    """Speak second, as Redis does."""

    def handle(connection: socket.socket) -> None:
        assert connection.recv(100) == b"PING\r\n"
        greeting(answer, then=then)(connection)

    return handle


@VERSIONS
@pytest.mark.parametrize(
    ("check", "handler"),
    [
        (SHAKING, silent),
        (GREETED, greeting(b"220 mail.test ESMTP\r\n")),
        (GREETED, greeting(b"22", b"0 mail", b".test\r\n")),
        (PING, replying(b"+PONG\r\n")),
        (TcpCheck(tls=True, send=b"PING\r\n"), replying(b"+PONG\r\n")),
    ],
)
def test_passes_when_what_is_expected_comes_back(
    run: Run, version: ssl.TLSVersion, check: TcpCheck, handler: Handler
) -> None:
    with serving(over_tls(handler, speaking(version))) as real:
        outcomes = run(ask(check, real, times=3))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("success", "ok")}


@VERSIONS
@pytest.mark.parametrize("then", [silent, socket.socket.close, resetting])
@pytest.mark.parametrize(("check", "handler"), [(GREETED, greeting), (PING, replying)])
def test_fails_for_one_reason_with_a_wrong_answer_whatever_follows(
    run: Run, version: ssl.TLSVersion, then: Handler, check: TcpCheck, handler: Any
) -> None:
    with serving(over_tls(handler(b"554 no\r\n", then=then), speaking(version))) as real:
        [outcome] = run(ask(replace(check, timeout=1.0) if then is silent else check, real))
    assert (outcome.status, outcome.reason, outcome.detail) == ("failure", "unexpected answer", "'554 no\\r\\n'")


def test_a_greeting_in_one_breath_with_the_end_of_the_handshake_is_heard(run: Run) -> None:
    def handle(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = speaking(ssl.TLSVersion.TLSv1_2).wrap_bio(incoming, outgoing, server_side=True)
        shaken = False
        while not shaken:
            incoming.write(connection.recv(65536))
            try:
                tls.do_handshake()
                tls.write(b"220 mail.test\r\n")
                shaken = True
            except ssl.SSLWantReadError:
                pass
            connection.sendall(outgoing.read())
        connection.recv(1)

    with serving(handle) as real:
        [outcome] = run(ask(GREETED, real))
    assert (outcome.status, outcome.reason) == ("success", "ok")


@pytest.mark.parametrize("check", [SHAKING, GREETED, PING])
@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (greeting(b"220 mail.test ESMTP\r\n"), "TLS error during handshake"),
        (resetting, "closed during handshake"),
        (socket.socket.close, "closed during handshake"),
    ],
)
def test_a_server_that_speaks_no_tls_fails(run: Run, check: TcpCheck, handler: Handler, reason: str) -> None:
    with serving(handler) as real:
        outcomes = run(ask(check, real, times=3))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("failure", reason)}


def test_a_handshake_that_never_comes_is_a_timeout(run: Run) -> None:
    with serving(silent) as real:
        [outcome] = run(ask(TcpCheck(tls=True, timeout=0.2), real))
    assert (outcome.status, outcome.reason) == ("failure", "timeout during handshake")
    assert lasted(outcome.latency, 0.2)


@pytest.mark.parametrize("check", [GREETED, PING])
def test_a_server_that_says_nothing_after_the_handshake_fails(run: Run, check: TcpCheck) -> None:
    with serving(over_tls(silent)) as real:
        [outcome] = run(ask(replace(check, timeout=1.0), real))
    assert (outcome.status, outcome.reason) == ("failure", "timeout during answer")


def test_a_closed_port_fails_as_every_other(run: Run) -> None:
    with refusing() as real:
        [outcome] = run(ask(SHAKING, real))
    assert (outcome.status, outcome.reason) == ("failure", "refused")


@pytest.mark.parametrize(("sni", "asked"), [("mail.test", "mail.test"), ("", None)])
def test_the_name_asked_for_is_the_one_configured(run: Run, sni: str, asked: str | None) -> None:
    names: SimpleQueue[str | None] = SimpleQueue()
    context = server_context()
    context.sni_callback = lambda _object, name, _context: names.put(name)
    with serving(over_tls(silent, context)) as real:
        run(ask(TcpCheck(tls=True, sni=sni), real))
        assert names.get(timeout=5) == asked


class TestVerification:
    @pytest.mark.parametrize("name", ["real.test", ""])
    def test_passes_for_the_name_or_address_in_the_certificate(self, run: Run, name: str) -> None:
        with serving(over_tls(greeting(b"220 \r\n"), server_context(CA_SIGNED))) as real:
            check = TcpCheck(tls=True, verify=True, ca_file=str(CA_FILE), sni=name, expect=b"220")
            [outcome] = run(ask(check, real))
        assert (outcome.status, outcome.reason) == ("success", "ok")

    @pytest.mark.parametrize(
        ("certificate", "keys", "detail"),
        [
            (CERTIFICATE, {"ca_file": str(CA_FILE)}, "self-signed certificate"),
            (EXPIRED, {"ca_file": str(CA_FILE)}, "certificate has expired"),
            (CA_SIGNED, {"ca_file": str(CA_FILE), "sni": "other.test"}, "Hostname mismatch"),
        ],
        ids=["another CA", "expired", "another name"],
    )
    def test_fails_for_any_other(self, run: Run, certificate: Path, keys: dict[str, Any], detail: str) -> None:
        with serving(over_tls(greeting(b"220 \r\n"), server_context(certificate))) as real:
            [outcome] = run(ask(TcpCheck(tls=True, verify=True, expect=b"220", **keys), real))
        assert (outcome.status, outcome.reason) == ("failure", "certificate not accepted")
        assert detail in outcome.detail

    def test_needs_its_ca_file(self) -> None:
        check = TcpCheck(tls=True, verify=True, ca_file="/nonexistent/ca.pem")
        with pytest.raises(OSError, match="No such file"):
            make_probe(check, Endpoint("10.0.0.7", 636), answered=lambda _: None)


@pytest.mark.parametrize(
    ("version", "check", "resumes"),
    [
        (ssl.TLSVersion.TLSv1_2, SHAKING, True),
        (ssl.TLSVersion.TLSv1_2, GREETED, True),
        (ssl.TLSVersion.TLSv1_3, GREETED, True),
        (ssl.TLSVersion.TLSv1_3, SHAKING, False),  # it is over before a session could be told
    ],
)
def test_sessions_are_resumed_but_not_for_ever(
    run: Run, version: ssl.TLSVersion, check: TcpCheck, resumes: bool
) -> None:
    resumed: list[bool | None] = []

    def note(connection: socket.socket) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        resumed.append(connection.session_reused)
        greeting(b"220 \r\n")(connection)

    with serving(over_tls(note, speaking(version))) as real:
        run(ask(check, real, times=RESUMPTIONS + 3))
    assert resumed == [False, *[resumes] * RESUMPTIONS, False, resumes]


@pytest.mark.parametrize(("expect", "reason"), [(b"HTTP/1.1 204", "ok"), (b"HTTP/1.1 500", "unexpected answer")])
def test_nginx_is_spoken_to(run: Run, expect: bytes, reason: str) -> None:
    check = TcpCheck(tls=True, send=b"HEAD / HTTP/1.0\r\n\r\n", expect=expect)
    with nginx("location / { return 204; }") as (_, tls):
        outcomes = run(ask(check, Endpoint("127.0.0.1", tls), times=3))
    assert {outcome.reason for outcome in outcomes} == {reason}
