"""Following redirects: every hop asks the real that is checked, under one timeout."""

import errno
import socket
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest

from kglb.checks.dial import Dialer
from kglb.checks.redirects import HOPS, next_hop
from kglb.model import Endpoint, HttpCheck, SecretRef
from tests.checks.asking import Run, ask, lasted
from tests.checks.daemons import nginx
from tests.checks.servers import Handler, answering, over_tls, refusing, serving, silent
from tests.patience import PATIENCE

REAL = Endpoint("10.0.0.7", 8080)
FOLLOWING = HttpCheck(path="/start", follow_redirects=True, timeout=PATIENCE)


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def routed(routes: dict[str, bytes], requests: list[bytes] | None = None) -> Handler:
    """Answer by path."""

    def handle(connection: socket.socket) -> None:
        request = connection.recv(65536)
        if requests is not None:
            requests.append(request)
        connection.sendall(routes[request.split()[1].decode()])
        connection.recv(1)

    return handle


OK_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class TestWhereItLeads:
    @pytest.mark.parametrize(
        ("location", "tls", "host", "port", "path"),
        [
            ("/there?a=1", False, None, 8080, "/there?a=1"),
            ("there", False, None, 8080, "/a/there"),
            ("http://10.0.0.7:8080/b", False, None, 8080, "/b"),
            ("//www.test/b", False, "www.test", 80, "/b"),
            ("http://www.test:81", False, "www.test:81", 81, "/"),
            ("https://www.test/b#part", True, "www.test", 443, "/b"),
            ("https://user:secret@www.test:8443/b", True, "www.test:8443", 8443, "/b"),
            ("https://[2001:db8::1]/", True, "[2001:db8::1]", 443, "/"),
        ],
    )
    def test_is_the_locations_but_at_the_reals_address(
        self, location: str, tls: bool, host: str | None, port: int, path: str
    ) -> None:
        check, target = next_hop(HttpCheck(path="/a/b"), REAL, location, {})
        assert (target, check.tls, check.path) == (Endpoint("10.0.0.7", port), tls, path)
        assert check.headers.get("Host") == host

    def test_keeps_the_port_where_the_name_is_the_one_asked_for(self) -> None:
        asked = HttpCheck(headers={"Host": "www.test", "X-Probe": "1"})
        check, target = next_hop(asked, REAL, "http://www.test/b", {})
        assert (target, check.headers, check.path) == (REAL, asked.headers, "/b")

    def test_keeps_other_headers_and_what_is_expected(self) -> None:
        asked = HttpCheck(method="OPTIONS", headers={"X-Probe": "1", "host": "a.test"}, body="x", codes=(204,))
        check, _ = next_hop(asked, REAL, "https://b.test/", {})
        assert check.headers == {"X-Probe": "1", "Host": "b.test"}
        assert (check.method, check.body, check.codes) == ("OPTIONS", "x", (204,))

    @pytest.mark.parametrize(
        "location",
        [
            "http://a.test/",  # in plain text from here on
            "https://b.test/",
            "https://a.test:8443/",
            "//b.a.test/",
        ],
    )
    @pytest.mark.parametrize("name", ["Authorization", "cookie", "Proxy-Authorization"])
    def test_of_another_origin_gets_no_secret(self, location: str, name: str) -> None:
        asked = HttpCheck(tls=True, headers={name: SecretRef(env="A"), "Host": "a.test", "X-Probe": "1"})
        check, target = next_hop(asked, REAL, location, {})
        assert set(check.headers) == {"Host", "X-Probe"}
        back, _ = next_hop(check, target, "https://a.test/", {})
        assert set(back.headers) == {"Host", "X-Probe"}

    @pytest.mark.parametrize("location", ["/b", "https://a.test/b", "HTTPS://A.test/b"])
    def test_of_the_same_origin_gets_them(self, location: str) -> None:
        asked = HttpCheck(tls=True, headers={"Authorization": SecretRef(env="A"), "Cookie": "a=1", "Host": "a.test"})
        check, _ = next_hop(asked, REAL, location, {})
        assert check.headers == asked.headers

    def test_through_a_proxy_gets_them_by_the_same_rule(self) -> None:
        asked = HttpCheck(proxy_check_url="https://a.test/", headers={"Cookie": "a=1"})
        same, _ = next_hop(asked, REAL, "/b", {})
        other, _ = next_hop(asked, REAL, "http://a.test/b", {})
        assert (same.headers, other.headers) == ({"Cookie": "a=1"}, {})

    @pytest.mark.parametrize(
        "location",
        [
            "ftp://www.test/",
            "https://",
            "http://www.test:99999/",
            "http://[::1",
            "file:",
            "https://no..name/",
            f"https://{'long.' * 51}/",
        ],
    )
    def test_is_refused_where_it_is_no_http_url(self, location: str) -> None:
        with pytest.raises(ValueError, match=r"\S"):
            next_hop(HttpCheck(), REAL, location, {})

    def test_goes_through_the_same_proxy(self) -> None:
        asked = HttpCheck(proxy_check_url="http://www.test/a")
        check, target = next_hop(asked, REAL, "https://b.test/c", {})
        assert (check.proxy_check_url, target) == ("https://b.test/c", REAL)


class TestTheVerdict:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize(
        ("last", "reason"), [(OK_ANSWER, "ok"), (b"HTTP/1.1 500 No\r\n\r\n", "unexpected status 500")]
    )
    def test_is_that_of_the_last_hop(self, run: Run, status: int, last: bytes, reason: str) -> None:
        requests: list[bytes] = []
        with serving(routed({"/start": redirect("/end", status), "/end": last}, requests)) as real:
            outcomes = run(ask(FOLLOWING, real, times=2))
        assert [outcome.reason for outcome in outcomes] == [reason, reason]
        assert [request.split()[1] for request in requests] == [b"/start", b"/end"] * 2

    def test_is_a_failure_where_it_leads_to_no_name(self, run: Run) -> None:
        with serving(answering(redirect(f"https://{'a' * 64}.test/"))) as real:
            [outcome] = run(ask(FOLLOWING, real))
        assert (outcome.status, outcome.reason) == ("failure", "unexpected redirect")

    def test_shows_only_the_beginning_of_a_long_location(self, run: Run) -> None:
        with serving(answering(redirect("http://www.test:" + "x" * 60_000))) as real:
            [outcome] = run(ask(FOLLOWING, real))
        assert (outcome.status, outcome.reason) == ("failure", "unexpected redirect")
        assert len(outcome.detail) < 500

    def test_looks_into_the_last_body(self, run: Run) -> None:
        routes = {"/start": redirect("/end"), "/end": OK_ANSWER}
        with serving(routed(routes)) as real:
            outcomes = [
                *run(ask(HttpCheck(path="/start", follow_redirects=True, body="ok"), real)),
                *run(ask(HttpCheck(path="/start", follow_redirects=True, body="no"), real)),
            ]
        assert [outcome.reason for outcome in outcomes] == ["ok", "body does not match"]

    def test_is_the_redirects_own_where_none_is_followed(self, run: Run) -> None:
        with serving(answering(redirect("/end"))) as real:
            [outcome] = run(ask(HttpCheck(), real))
        assert outcome.reason == "unexpected status 302"

    def test_is_the_redirects_own_where_it_names_no_place(self, run: Run) -> None:
        with serving(answering(b"HTTP/1.1 302 Found\r\n\r\n")) as real:
            [outcome] = run(ask(FOLLOWING, real))
        assert outcome.reason == "unexpected status 302"

    def test_is_a_failure_after_too_many(self, run: Run) -> None:
        requests: list[bytes] = []
        with serving(routed({"/start": redirect("/start")}, requests)) as real:
            [outcome] = run(ask(FOLLOWING, real))
        assert (outcome.status, outcome.reason) == ("failure", "too many redirects")
        assert len(requests) == HOPS + 1

    def test_is_a_failure_where_the_location_is_no_http_url(self, run: Run) -> None:
        with serving(answering(redirect("gopher://x/"))) as real:
            [outcome] = run(ask(FOLLOWING, real))
        assert (outcome.status, outcome.reason) == ("failure", "unexpected redirect")

    def test_is_refused_where_nobody_listens_at_the_new_port(self, run: Run) -> None:
        with refusing() as closed, serving(answering(redirect(f"http://x:{closed.port}/"))) as real:
            [outcome] = run(ask(FOLLOWING, real))
        assert (outcome.status, outcome.reason) == ("failure", "refused")

    def test_is_unknown_where_the_next_connection_fails_for_a_reason_of_our_own(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dials: list[Endpoint] = []
        dial = Dialer.dial

        def once(dialer: Dialer, target: Endpoint) -> socket.SocketType:
            dials.append(target)
            if len(dials) % 2 == 0:
                raise OSError(errno.ENOBUFS, "No buffer space available")
            return dial(dialer, target)

        monkeypatch.setattr(Dialer, "dial", once)
        with serving(answering(redirect("/end"))) as real:
            outcomes = run(ask(FOLLOWING, real, times=2))
        assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("unknown", "local error ENOBUFS")}

    def test_comes_within_one_timeout_over_all_hops(self, run: Run) -> None:
        def slow(connection: socket.socket) -> None:
            connection.recv(65536)
            time.sleep(0.15)
            connection.sendall(redirect("/start"))
            connection.recv(1)

        with serving(slow) as real:
            [outcome] = run(ask(HttpCheck(follow_redirects=True, timeout=0.4), real))
        assert (outcome.status, outcome.reason) == ("failure", "timeout during answer")
        assert lasted(outcome.latency, 0.4)

    def test_is_a_timeout_where_a_later_hop_is_silent(self, run: Run) -> None:
        with serving(silent) as deaf, serving(answering(redirect(f"http://x:{deaf.port}/"))) as real:
            [outcome] = run(ask(HttpCheck(follow_redirects=True, timeout=0.2), real))
        assert (outcome.status, outcome.reason) == ("failure", "timeout during answer")


def test_a_hop_may_lead_from_http_to_https_by_another_name(run: Run) -> None:
    requests: SimpleQueue[bytes] = SimpleQueue()
    with (
        serving(over_tls(answering(OK_ANSWER, requests=requests))) as secure,
        serving(answering(redirect(f"https://www.test:{secure.port}/in"))) as real,
    ):
        [outcome] = run(ask(FOLLOWING, real))
    assert outcome.reason == "ok"
    assert requests.get(timeout=PATIENCE).startswith(f"GET /in HTTP/1.1\r\nHost: www.test:{secure.port}\r\n".encode())


@pytest.fixture(scope="module")
def server() -> Iterator[Callable[[bool], Endpoint]]:
    with nginx("""
        absolute_redirect off;
        location = /start { return 301 /middle; }
        location = /middle { return 302 /end; }
        location = /end { return 200 "the end"; }
        location = /lost { return 302 /nowhere; }
    """) as ports:
        yield lambda tls: Endpoint("127.0.0.1", ports[tls])


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_nginx_is_followed_to_the_end(run: Run, server: Callable[[bool], Endpoint], tls: bool) -> None:
    check = HttpCheck(path="/start", follow_redirects=True, body="the end", tls=tls, timeout=2.0)
    outcomes = run(ask(check, server(tls), times=3))
    assert {outcome.reason for outcome in outcomes} == {"ok"}
    [lost] = run(ask(HttpCheck(path="/lost", follow_redirects=True, tls=tls, timeout=2.0), server(tls)))
    assert lost.reason == "unexpected status 404"
