"""The plain HTTP check: one request, judged by the status of the answer."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue

import pytest

from kglb import __version__
from kglb.checks.http_request import request_head
from kglb.model import Endpoint, HttpCheck, SecretRef
from tests.checks.asking import Run, ask, lasted
from tests.checks.servers import Handler, answering, resetting, serving, silent
from tests.patience import PATIENCE

REAL = Endpoint("10.0.0.7", 8080)
LOOPBACKS = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
OK_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def headers_of(request: bytes) -> list[str]:
    return request.decode().split("\r\n")[1:-2]


class TestTheRequest:
    def test_is_a_get_that_asks_to_close(self) -> None:
        assert request_head(HttpCheck(path="/health?deep=1"), REAL, {}) == (
            b"GET /health?deep=1 HTTP/1.1\r\n"
            b"Host: 10.0.0.7:8080\r\n"
            b"User-Agent: kglb-actors/" + __version__.encode() + b"\r\n"
            b"Connection: close\r\n\r\n"
        )

    @pytest.mark.parametrize(
        ("target", "tls", "host"),
        [
            (Endpoint("10.0.0.7", 80), False, "10.0.0.7"),
            (Endpoint("10.0.0.7", 443), True, "10.0.0.7"),
            (Endpoint("10.0.0.7", 80), True, "10.0.0.7:80"),
            (Endpoint("2001:db8::7", 80), False, "[2001:db8::7]"),
            (Endpoint("2001:db8::7", 8080), False, "[2001:db8::7]:8080"),
        ],
    )
    def test_names_the_real_as_its_host(self, target: Endpoint, tls: bool, host: str) -> None:
        assert f"Host: {host}" in headers_of(request_head(HttpCheck(tls=tls), target, {}))

    def test_carries_the_configured_host_and_headers_but_its_own_user_agent(self) -> None:
        check = HttpCheck(headers={"host": "www.test", "X-Probe": "1", "user-agent": "no", "Connection": "no"})
        assert headers_of(request_head(check, REAL, {})) == [
            "Host: www.test",
            f"User-Agent: kglb-actors/{__version__}",
            "Connection: close",
            "X-Probe: 1",
        ]

    def test_carries_the_secret_behind_a_reference(self) -> None:
        token = SecretRef(env="TOKEN")
        check = HttpCheck(headers={"Authorization": token})
        assert "Authorization: Bearer s3" in headers_of(request_head(check, REAL, {token: "Bearer s3"}))

    def test_cannot_be_made_without_its_secret(self) -> None:
        with pytest.raises(ValueError, match=r"header Authorization: no value was loaded for \$TOKEN"):
            request_head(HttpCheck(headers={"Authorization": SecretRef(env="TOKEN")}), REAL, {})

    @pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X Y": "a"}, {"X:": "a"}, {"": "a"}, {"Host": "a\n"}])
    def test_cannot_be_split_by_a_header(self, headers: dict[str, str | SecretRef]) -> None:
        with pytest.raises(ValueError, match="expected a token as its name and a value of one line"):
            request_head(HttpCheck(headers=headers), REAL, {})

    @pytest.mark.parametrize(
        ("path", "target"),
        [
            ("", b"/"),
            ("health", b"/health"),
            ("/a b", b"/a%20b"),
            ("/\r\nX: 1", b"/%0D%0AX:%201"),
            ("/%41\u00e9", b"/%41%C3%A9"),
        ],
    )
    def test_escapes_what_a_path_may_not_hold(self, path: str, target: bytes) -> None:
        assert request_head(HttpCheck(path=path), REAL, {}).startswith(b"GET " + target + b" HTTP/1.1\r\n")


class _Health(BaseHTTPRequestHandler):
    """Answers HEAD by the header of a body that it does not send, OPTIONS by 204, and nothing else."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.send_response(200 if self.path == "/up" else 503)
        self.send_header("Content-Length", "1000")
        self.end_headers()

    def do_OPTIONS(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class TestTheMethod:
    @pytest.mark.parametrize(
        ("check", "reason"),
        [
            (HttpCheck(method="HEAD", path="/up"), "ok"),
            (HttpCheck(method="HEAD", path="/up", follow_redirects=True), "ok"),
            (HttpCheck(method="HEAD", path="/down"), "unexpected status 503"),
            (HttpCheck(method="OPTIONS", codes=(204,)), "ok"),
            (HttpCheck(method="OPTIONS"), "unexpected status 204"),
            (HttpCheck(path="/up"), "unexpected status 501"),
        ],
    )
    def test_is_the_one_configured_and_a_head_waits_for_no_body(self, run: Run, check: HttpCheck, reason: str) -> None:
        with ThreadingHTTPServer(("127.0.0.1", 0), _Health) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            [outcome] = run(ask(check, Endpoint("127.0.0.1", server.server_port)))
            server.shutdown()
            thread.join()
        assert outcome.reason == reason

    def test_is_the_same_for_a_proxy(self) -> None:
        check = HttpCheck(method="OPTIONS", proxy_check_url="http://www.test/up")
        assert request_head(check, REAL, {}).startswith(b"OPTIONS http://www.test/up HTTP/1.1\r\nHost: www.test\r\n")


class TestTheAnswer:
    @LOOPBACKS
    def test_passes_with_a_configured_code(self, run: Run, address: str) -> None:
        requests: SimpleQueue[bytes] = SimpleQueue()
        with serving(answering(OK_ANSWER, requests=requests), address) as real:
            [outcome] = run(ask(HttpCheck(path="/up"), real))
        assert (outcome.status, outcome.reason) == ("success", "ok")
        assert requests.get(timeout=PATIENCE) == request_head(HttpCheck(path="/up"), real, {})

    @pytest.mark.parametrize(
        ("answer", "codes"),
        [
            (b"HTTP/1.1 301 Moved\r\nLocation: http://elsewhere.test/\r\n\r\n", (301,)),
            (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", (200, 500)),
            (b"HTTP/1.1 100 Continue\r\n\r\n" + OK_ANSWER, (200,)),
            (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK_ANSWER, (200,)),
            (b"HTTP/1.0 200 OK\n\nlines end with a bare newline", (200,)),
            (b"HTTP/1.1 204\r\n\r\n", (204,)),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nthis is no chunk", (200,)),
            (b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", (101,)),
        ],
    )
    def test_passes_as_soon_as_its_head_says_so(self, run: Run, answer: bytes, codes: tuple[int, ...]) -> None:
        with serving(answering(answer)) as real:
            [outcome] = run(ask(HttpCheck(codes=codes), real))
        assert (outcome.status, outcome.reason) == ("success", "ok")

    @pytest.mark.parametrize(
        ("answer", "codes", "reason"),
        [
            (b"HTTP/1.1 500 Oops\r\n\r\n", (200,), "unexpected status 500"),
            (b"HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", (200,), "unexpected status 301"),
            (OK_ANSWER, (), "unexpected status 200"),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", (100, 200), "unexpected status 503"),
            (b"SSH-2.0-OpenSSH_9.2\r\n", (200,), "not HTTP"),
            (b"\x16\x03\x01\x00\xff" * 50, (200,), "not HTTP"),
            (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", (200,), "not HTTP"),
        ],
    )
    def test_fails_with_any_other(self, run: Run, answer: bytes, codes: tuple[int, ...], reason: str) -> None:
        with serving(answering(answer)) as real:
            [outcome] = run(ask(HttpCheck(codes=codes), real))
        assert (outcome.status, outcome.reason) == ("failure", reason)

    def test_shows_the_status_line_of_an_unexpected_one(self, run: Run) -> None:
        with serving(answering(b"HTTP/1.1 503 Draining\r\n\r\n")) as real:
            [outcome] = run(ask(HttpCheck(), real))
        assert outcome.detail == "HTTP/1.1 503 Draining"

    def test_may_come_byte_by_byte(self, run: Run) -> None:
        def dribble(connection: socket.socket) -> None:
            connection.recv(65536)
            for byte in OK_ANSWER[:24]:
                connection.sendall(bytes([byte]))
                time.sleep(0.005)
            connection.sendall(OK_ANSWER[24:])
            connection.recv(1)

        with serving(dribble) as real:
            [outcome] = run(ask(HttpCheck(), real))
        assert outcome.reason == "ok"
        assert lasted(outcome.latency, 0.1)

    def test_is_judged_before_an_endless_body_ends(self, run: Run) -> None:
        def pour(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                connection.sendall(b"x" * 65536)

        with serving(pour) as real:
            [outcome] = run(ask(HttpCheck(), real))
        assert outcome.reason == "ok"

    def test_fails_when_its_head_does_not_end(self, run: Run) -> None:
        def pour(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X: " + b"x" * 1000 + b"\r\n")

        with serving(pour) as real:
            [outcome] = run(ask(HttpCheck(), real))
        assert (outcome.status, outcome.reason) == ("failure", "endless head")

    def test_that_never_comes_is_a_timeout(self, run: Run) -> None:
        with serving(silent) as real:
            [outcome] = run(ask(HttpCheck(timeout=0.1), real))
        assert (outcome.status, outcome.reason) == ("failure", "timeout during answer")
        assert lasted(outcome.latency, 0.1)

    def test_that_stops_in_its_head_is_a_timeout(self, run: Run) -> None:
        with serving(answering(b"HTTP/1.1 200 OK\r\nContent-Le")) as real:
            [outcome] = run(ask(HttpCheck(timeout=0.1), real))
        assert (outcome.status, outcome.reason) == ("failure", "timeout during answer")

    @pytest.mark.parametrize("how", ["reset at once", "closed at once", "reset later", "closed in the head"])
    def test_that_breaks_off_has_one_reason_however_it_does(self, run: Run, how: str) -> None:
        def reset_later(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            time.sleep(0.02)
            resetting(connection)

        def close_in_the_head(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")

        behaviours: dict[str, Handler] = {
            "reset at once": resetting,
            "closed at once": socket.socket.close,
            "reset later": reset_later,
            "closed in the head": close_in_the_head,
        }
        with serving(behaviours[how]) as real:
            outcomes = run(ask(HttpCheck(), real, times=5))
        assert {(outcome.status, outcome.reason) for outcome in outcomes} == {("failure", "closed during answer")}

    def test_that_is_followed_by_a_reset_is_an_answer(self, run: Run) -> None:
        def answer_and_reset(connection: socket.socket) -> None:
            connection.recv(65536)
            connection.sendall(OK_ANSWER)
            resetting(connection)

        with serving(answer_and_reset) as real:
            outcomes = run(ask(HttpCheck(), real, times=5))
        assert {outcome.reason for outcome in outcomes} == {"ok"}


def test_a_request_larger_than_the_sockets_buffer_is_sent_whole(run: Run) -> None:
    requests: SimpleQueue[bytes] = SimpleQueue()

    def read_late(connection: socket.socket) -> None:
        time.sleep(0.1)
        answering(OK_ANSWER, requests=requests)(connection)

    check = HttpCheck(headers={"X-Large": "x" * 8_000_000})
    with serving(read_late) as real:
        [outcome] = run(ask(check, real))
        assert requests.get(timeout=PATIENCE) == request_head(check, real, {})
    assert outcome.reason == "ok"
