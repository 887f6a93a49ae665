"""KgLb's cases about checkers (section H of the conformance cases), each named by its id.

The modules beside this one say more; here is what KgLb's own tests say, and where we differ on purpose.
"""

import re
import socket
import ssl
from pathlib import Path
from queue import SimpleQueue

import pytest
from dns import asyncresolver
from dns.rcode import Rcode
from dns.resolver import NXDOMAIN
from msgspec.structs import replace

from kglb.checks import resolve
from kglb.checks.dial import Dialer
from kglb.checks.gate import Gate
from kglb.checks.make import make_probe
from kglb.checks.secured import RESUMPTIONS
from kglb.config.load import parse
from kglb.config.problems import ConfigError
from kglb.model import Check, DnsCheck, Endpoint, HttpCheck, SyslogCheck, TcpCheck
from tests.checks.asking import Answers, Run, ask, lasted, many, probing
from tests.checks.servers import answering, over_tls, refusing, server_context, serving, silent, udp_serving
from tests.checks.test_dns import answered, over_tcp, rcode
from tests.patience import PATIENCE

OK_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LOOPBACKS = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
BALANCER = """
[[balancer]]
name = "b"
service = "{service}"
reals = ["10.0.0.1:80"]
check = {{ {check} }}
"""


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        ((200,), "ok"),
        ((500, 200), "ok"),
        ((404,), "unexpected status 200"),
        ((), "unexpected status 200"),
    ],
)
def test_h1_the_status_must_be_one_of_the_codes(run: Run, codes: tuple[int, ...], reason: str) -> None:
    with serving(answering(OK_ANSWER)) as real:
        [outcome] = run(ask(HttpCheck(codes=codes), real))
    assert outcome.reason == reason


def refusing_tls(connection: socket.socket) -> None:
    """A plain HTTP server to which a TLS handshake is a bad request."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad\r\n\r\n")
    connection.recv(1)


def test_h2_https_to_a_plain_server_fails_and_a_self_signed_certificate_passes(run: Run) -> None:
    with serving(refusing_tls) as plain, serving(over_tls(answering(OK_ANSWER))) as secure:
        outcomes = run(ask(HttpCheck(tls=True, timeout=1.0), plain)) + run(ask(HttpCheck(tls=True), secure))
    assert [outcome.status for outcome in outcomes] == ["failure", "success"]


def test_h2_a_session_is_resumed_a_bounded_number_of_times(run: Run) -> None:
    resumed: list[bool | None] = []

    def note(connection: socket.socket) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        resumed.append(connection.session_reused)
        answering(OK_ANSWER)(connection)

    with serving(over_tls(note, server_context())) as real:
        run(ask(HttpCheck(tls=True), real, times=RESUMPTIONS + 2))
    assert resumed.count(False) == 2


def test_h3_headers_are_sent_and_the_user_agent_is_the_checkers_own(run: Run) -> None:
    requests: SimpleQueue[bytes] = SimpleQueue()
    check = HttpCheck(headers={"Host": "www.test", "X-A": "b", "User-Agent": "mine"})
    with serving(answering(OK_ANSWER, requests=requests)) as real:
        run(ask(check, real))
    request = requests.get(timeout=PATIENCE)
    assert b"\r\nHost: www.test\r\n" in request
    assert b"\r\nX-A: b\r\n" in request
    assert b"mine" not in request
    assert b"\r\nUser-Agent: kglb-actors/" in request


def test_h4_redirects_are_followed_only_where_asked(run: Run) -> None:
    moved = b"HTTP/1.1 301 Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"

    def handle(connection: socket.socket) -> None:
        answering(OK_ANSWER if connection.recv(9, socket.MSG_PEEK).endswith(b"/ther") else moved)(connection)

    with serving(handle) as real:
        outcomes = [
            *run(ask(HttpCheck(codes=(301,)), real)),
            *run(ask(HttpCheck(codes=(200,), follow_redirects=True), real)),
        ]
    assert [outcome.reason for outcome in outcomes] == ["ok", "ok"]


@pytest.mark.parametrize("check", [HttpCheck(timeout=0.1), HttpCheck(timeout=0.1, tls=True)])
def test_h6_the_timeout_covers_the_whole_check(run: Run, check: Check) -> None:
    with serving(silent) as real:
        [outcome] = run(ask(check, real))
    assert outcome.status == "failure"
    assert outcome.reason.startswith("timeout during ")
    assert lasted(outcome.latency, 0.1)


def test_h6_the_default_timeout_is_five_seconds() -> None:
    assert HttpCheck().timeout == 5.0


@LOOPBACKS
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_h7_reals_of_both_families_are_checked_side_by_side(run: Run, address: str, tls: bool) -> None:
    closed: SimpleQueue[bytes] = SimpleQueue()

    def handle(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(OK_ANSWER)
        closed.put(connection.recv(1))

    async def at_once(real: Endpoint) -> set[str]:
        answers = Answers()
        async with probing() as prober:
            many(prober, HttpCheck(tls=tls, close="fin"), real, 8, answers, Gate(4))
            return {outcome.reason for outcome in await answers.first(8)}

    with serving(over_tls(handle) if tls else handle, address) as real:
        assert run(at_once(real)) == {"ok"}
    if not tls:
        assert [closed.get(timeout=PATIENCE) for _ in range(8)] == [b""] * 8


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_h8_a_proxy_is_asked_for_the_url_and_the_path_is_ignored(run: Run, tls: bool) -> None:
    requests: SimpleQueue[bytes] = SimpleQueue()
    handler = answering(b"HTTP/1.1 403 No\r\n\r\n", requests=requests)
    with serving(over_tls(handler) if tls else handler) as real:
        for scheme in ("http", "https"):
            run(ask(HttpCheck(path="/no", proxy_check_url=f"{scheme}://www.dropbox.com/KgLB", tls=tls), real))
    absolute, connect = requests.get(timeout=PATIENCE), requests.get(timeout=PATIENCE)
    assert absolute.startswith(b"GET http://www.dropbox.com/KgLB HTTP/1.1\r\nHost: www.dropbox.com\r\n")
    assert connect.startswith(b"CONNECT www.dropbox.com:443 HTTP/1.1\r\n")


@LOOPBACKS
def test_h9_tcp_passes_when_accepted_and_fails_when_refused(run: Run, address: str) -> None:
    with serving(silent, address) as real, refusing(address) as closed:
        outcomes = run(ask(TcpCheck(), real)) + run(ask(TcpCheck(), closed))
    assert [(outcome.status, outcome.reason) for outcome in outcomes] == [("success", "ok"), ("failure", "refused")]


def test_h9_tcp_carries_the_mark_it_is_given() -> None:
    probe = make_probe(TcpCheck(), Endpoint("10.0.0.1", 80), answered=lambda _: None, dialer=Dialer(mark=7))
    assert probe.dialer.mark == 7  # type: ignore[attr-defined]


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_h10_dns_is_judged_by_its_rcode(run: Run, protocol: str) -> None:
    check = DnsCheck(query="www.test", protocol=protocol)  # type: ignore[arg-type]
    expecting = DnsCheck(query="www.test", protocol=protocol, rcode=2)  # type: ignore[arg-type]

    def failing(query: bytes) -> bytes:
        return answered(query, rcode(Rcode.SERVFAIL))

    server = serving(over_tcp(failing)) if protocol == "tcp" else udp_serving(lambda query: [failing(query)])
    with server as real:
        outcomes = run(ask(check, real)) + run(ask(expecting, real))
    assert [outcome.reason for outcome in outcomes] == ["rcode SERVFAIL", "ok"]
    with serving(silent) if protocol == "tcp" else udp_serving(lambda _: []) as deaf:
        [outcome] = run(ask(replace(check, timeout=0.2), deaf))
    assert (outcome.reason, outcome.latency >= 0.2) == ("timeout during answer", True)


def test_h10_an_empty_query_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be empty"):
        parse(BALANCER.format(service="udp://192.0.2.1:53", check='type = "dns", query = ""'))


@pytest.mark.parametrize("record", ["AAAA", "TXT", "SOA"])
def test_h10_differs_every_record_type_is_asked_as_it_is_written(run: Run, record: str) -> None:
    queries: list[bytes] = []
    with udp_serving(lambda query: [queries.append(query) or answered(query)]) as real:  # type: ignore[func-returns-value]
        run(ask(DnsCheck(query="www.test", record=record), real))  # type: ignore[arg-type]
    kind = {"AAAA": 28, "TXT": 16, "SOA": 6}[record]
    assert queries[0].endswith(kind.to_bytes(2, "big") + b"\x00\x01")


def test_h11_syslog_sends_a_probe_message_to_its_own_port(run: Run) -> None:
    heard: list[bytes] = []
    with udp_serving(lambda datagram: [heard.append(datagram) or b""][:0]) as daemon:  # type: ignore[func-returns-value]
        [outcome] = run(ask(SyslogCheck(port=daemon.port, level="notice", timeout=0.1), Endpoint("127.0.0.1", 9)))
    assert outcome.status == "success"
    assert re.fullmatch(rb"<13>.* SyslogHealthChecker .*probe message\.\n", heard[0])


@LOOPBACKS
def test_h11_syslog_over_tcp_passes_when_written(run: Run, address: str) -> None:
    with serving(silent, address) as daemon:
        [outcome] = run(ask(SyslogCheck(protocol="tcp"), daemon))
    assert outcome.status == "success"


def test_h12_a_name_that_does_not_exist_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing(*_: object, **__: object) -> None:
        raise NXDOMAIN

    monkeypatch.setattr(asyncresolver, "resolve", missing)
    with pytest.raises(resolve.ResolutionError, match="no A record for missing"):
        run(resolve.resolve("missing.test", ipv6=False))


def test_h12_a_name_has_addresses_of_the_asked_family_only(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.1 both.test\n2001:db8::1 both.test\n")
    monkeypatch.setattr(resolve, "HOSTS", hosts)
    assert run(resolve.resolve("both.test", ipv6=False)) == ("192.0.2.1",)
    assert run(resolve.resolve("both.test.", ipv6=True)) == ("2001:db8::1",)


@pytest.mark.parametrize(("port", "accepted"), [(70000, False), (1024, True)])
def test_g9_a_syslog_port_is_one_that_exists(port: int, accepted: bool) -> None:
    text = BALANCER.format(service="udp://192.0.2.1:514", check=f'type = "syslog", port = {port}')
    if accepted:
        assert parse(text).config.balancers[0].check == SyslogCheck(port=port)
    else:
        with pytest.raises(ConfigError, match="from 1 to 65535"):
            parse(text)


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
@pytest.mark.parametrize("service", ["udp", "tcp"])
def test_g10_dns_by_either_protocol_checks_services_of_both(service: str, protocol: str) -> None:
    check = f'type = "dns", query = ".", record = "NS", protocol = "{protocol}"'
    loaded = parse(BALANCER.format(service=f"{service}://192.0.2.1:53", check=check))
    assert loaded.warnings == ()
    assert loaded.config.balancers[0].check == DnsCheck(query=".", record="NS", protocol=protocol)  # type: ignore[arg-type]
