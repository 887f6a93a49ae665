"""The HTTP check over TLS: no verification, sessions resumed a bounded number of times."""

import socket
import ssl
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from kglb.checks.make import make_probe
from kglb.checks.secured import RESUMPTIONS
from kglb.model import Endpoint, HttpCheck
from tests.checks.asking import Run, ask, lasted
from tests.checks.servers import (
    CA_FILE,
    CA_SIGNED,
    CERTIFICATE,
    EXPIRED,
    answering,
    over_tls,
    resetting,
    server_context,
    serving,
    silent,
)
from tests.patience import PATIENCE

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_self_signed_certificate_passes(run: Run, address: str) -> None:
    requests: SimpleQueue[bytes] = SimpleQueue()
    with serving(over_tls(answering(ANSWER, requests=requests)), address) as real:
        [outcome] = run(ask(HttpCheck(tls=True, path="/up"), real))
    assert (outcome.status, outcome.reason) == ("success", "ok")
    assert requests.get(timeout=PATIENCE).startswith(b"GET /up HTTP/1.1\r\n")


def test_an_unexpected_status_fails(run: Run) -> None:
    with serving(over_tls(answering(b"HTTP/1.1 503 Busy\r\n\r\n"))) as real:
        [outcome] = run(ask(HttpCheck(tls=True), real))
    assert (outcome.status, outcome.reason) == ("failure", "unexpected status 503")


def test_a_plain_http_server_fails(run: Run) -> None:
    def plain(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        connection.recv(1)

    with serving(plain) as real:
        outcomes = run(ask(HttpCheck(tls=True), real, times=3))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("failure", "TLS error during handshake")}
    assert outcomes[0].detail == "WRONG_VERSION_NUMBER"


@pytest.mark.parametrize("handler", [resetting, socket.socket.close], ids=["reset", "closed"])
def test_a_server_that_breaks_off_fails_for_one_reason(run: Run, handler: object) -> None:
    with serving(handler) as real:  # type: ignore[arg-type]
        outcomes = run(ask(HttpCheck(tls=True), real, times=5))
    assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("failure", "closed during handshake")}


def test_a_server_that_closes_after_the_handshake_fails(run: Run) -> None:
    with serving(over_tls(lambda connection: connection.recv(65536))) as real:
        [outcome] = run(ask(HttpCheck(tls=True), real))
    assert (outcome.status, outcome.reason) == ("failure", "closed during answer")


def test_a_handshake_that_never_comes_is_a_timeout(run: Run) -> None:
    with serving(silent) as real:
        [outcome] = run(ask(HttpCheck(tls=True, timeout=0.2), real))
    assert (outcome.status, outcome.reason) == ("failure", "timeout during handshake")
    assert lasted(outcome.latency, 0.2)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.test", "www.test"),
        ("www.test:8443", "www.test"),
        ("10.0.0.1", None),
        ("[::1]:443", None),
        ("no..name", None),
        ("a" * 64 + ".test", None),
        (None, None),
    ],
)
def test_the_configured_host_is_the_name_asked_for(run: Run, host: str | None, name: str | None) -> None:
    names: SimpleQueue[str | None] = SimpleQueue()
    context = server_context()
    context.sni_callback = lambda _object, asked, _context: names.put(asked)
    with serving(over_tls(answering(ANSWER), context)) as real:
        check = HttpCheck(tls=True, headers={"Host": host} if host else {})
        [outcome] = run(ask(check, real))
    assert outcome.reason == "ok"
    assert names.get(timeout=PATIENCE) == name


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_but_not_for_ever(run: Run, version: ssl.TLSVersion) -> None:
    resumed: list[bool | None] = []
    context = server_context()
    context.minimum_version = context.maximum_version = version

    def note(connection: socket.socket) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        resumed.append(connection.session_reused)
        answering(ANSWER)(connection)

    with serving(over_tls(note, context)) as real:
        run(ask(HttpCheck(tls=True), real, times=RESUMPTIONS + 3))
    assert resumed == [False, *[True] * RESUMPTIONS, False, True]


def test_a_session_that_the_server_has_forgotten_is_replaced(run: Run) -> None:
    resumed: list[bool | None] = []
    before, after = server_context(), server_context()

    def restarted(connection: socket.socket) -> None:
        with (before if len(resumed) < 2 else after).wrap_socket(connection, server_side=True) as secured:
            resumed.append(secured.session_reused)
            answering(ANSWER)(secured)

    with serving(restarted) as real:
        outcomes = run(ask(HttpCheck(tls=True), real, times=4))
    assert {outcome.reason for outcome in outcomes} == {"ok"}
    assert resumed == [False, True, False, True]


def test_sni_may_differ_from_the_host(run: Run) -> None:
    names: SimpleQueue[str | None] = SimpleQueue()
    requests: SimpleQueue[bytes] = SimpleQueue()
    context = server_context()
    context.sni_callback = lambda _object, asked, _context: names.put(asked)
    with serving(over_tls(answering(ANSWER, requests=requests), context)) as real:
        run(ask(HttpCheck(tls=True, sni="edge.test", headers={"Host": "www.test"}), real))
    assert names.get(timeout=PATIENCE) == "edge.test"
    assert b"\r\nHost: www.test\r\n" in requests.get(timeout=PATIENCE)


class TestVerification:
    @pytest.mark.parametrize("name", [{"sni": "real.test"}, {"headers": {"Host": "real.test"}}, {}])
    @pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
    def test_passes_for_the_name_or_address_in_the_certificate(
        self, run: Run, name: dict[str, Any], address: str
    ) -> None:
        with serving(over_tls(answering(ANSWER), server_context(CA_SIGNED)), address) as real:
            check = HttpCheck(tls=True, verify=True, ca_file=str(CA_FILE), **name)
            outcomes = run(ask(check, real, times=3))
        assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("success", "ok")}

    @pytest.mark.parametrize(
        ("certificate", "keys", "detail"),
        [
            (CERTIFICATE, {"ca_file": str(CA_FILE)}, "self-signed certificate"),
            (EXPIRED, {"ca_file": str(CA_FILE)}, "certificate has expired"),
            (CA_SIGNED, {"ca_file": str(CA_FILE), "sni": "other.test"}, "Hostname mismatch"),
            (CA_SIGNED, {}, "unable to get local issuer certificate"),
        ],
        ids=["another CA", "expired", "another name", "the system's CAs"],
    )
    def test_fails_for_any_other(self, run: Run, certificate: Path, keys: dict[str, Any], detail: str) -> None:
        with serving(over_tls(answering(ANSWER), server_context(certificate))) as real:
            [outcome] = run(ask(HttpCheck(tls=True, verify=True, **keys), real))
            [unverified] = run(ask(HttpCheck(tls=True), real))
        assert (outcome.status, outcome.reason) == ("failure", "certificate not accepted")
        assert detail in outcome.detail
        assert unverified.status == "success"

    def test_notices_a_ca_file_that_has_changed(self, run: Run, tmp_path: Path) -> None:
        ca = tmp_path / "ca.pem"
        ca.write_text(CERTIFICATE.read_text())
        check = HttpCheck(tls=True, verify=True, ca_file=str(ca))
        with serving(over_tls(answering(ANSWER), server_context(CA_SIGNED))) as real:
            [before] = run(ask(check, real))
            ca.write_text(CA_FILE.read_text())
            [after] = run(ask(check, real))
        assert (before.reason, after.reason) == ("certificate not accepted", "ok")

    def test_needs_its_ca_file(self) -> None:
        with pytest.raises(OSError, match="No such file"):
            make_probe(
                HttpCheck(tls=True, verify=True, ca_file="/nonexistent/ca.pem"),
                Endpoint("10.0.0.7", 443),
                answered=lambda _: None,
            )
