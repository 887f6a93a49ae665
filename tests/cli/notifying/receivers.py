"""A receiver of webhooks on loopback: answers as it is told to, and remembers what it got."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from kglb.replay.notices import Notice
from tests.patience import PATIENCE


class Answer(NamedTuple):
    """What is answered, and what is done before that."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"ok"
    before: Callable[[], object] = lambda: None


class Receiver:
    """Takes all that comes, after the answers in ``answers``. Of ``posts`` the newest is last."""

    def __init__(self, port: int = 0, answers: tuple[Answer, ...] = ()) -> None:
        self.answers = deque(answers)
        self.posts: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                receiver.connections += 1
                super().setup()

            def do_POST(self) -> None:
                receiver.take(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hooks/T0KEN-of-ours"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    def take(self, request: BaseHTTPRequestHandler) -> None:
        self.posts.append(json.loads(request.rfile.read(int(request.headers["Content-Length"]))))
        self.headers.append(dict(request.headers))
        answer = self.answers.popleft() if self.answers else Answer()
        answer.before()
        request.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(answer.body)

    @property
    def seqs(self) -> list[int]:
        """The records that were told, in the order in which they came."""
        return [one["seq"] for post in self.posts for one in (post if isinstance(post, list) else [post])]

    def wait(self, condition: Callable[[], object]) -> None:
        until(condition)


def until(condition: Callable[[], object]) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def notice(seq: int = 7, **fields: object) -> Notice:
    """A notice that a real is down."""
    usual: dict[str, Any] = {
        "host": "lb1",
        "seq": seq,
        "at": "2026-11-22T14:30:04.021000Z",
        "type": "HealthChanged",
        "kind": "health",
        "tone": "bad",
        "balancer": "web",
        "service": "tcp://192.168.100.10:80",
        "real": "10.0.0.1:80",
        "text": "10.0.0.1:80 is down",
    }
    return Notice(**{**usual, **fields})
