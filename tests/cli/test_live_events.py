"""The stream of the running daemon, as ``top`` reads it."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from kglb.cli.live_events import read_events
from kglb.model import Endpoint
from tests.checks.servers import free_port, serving

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
Messages = list[tuple[str, bytes]]


def answering(*parts: bytes, asked: list[bytes] | None = None) -> Callable[[socket.socket], None]:
    """Answer in these parts, and end."""

    def handle(connection: socket.socket) -> None:
        request = connection.recv(65536)
        if asked is not None:
            asked.append(request)
        for part in parts:
            connection.sendall(part)

    return handle


def read(where: Endpoint, after: int | None = None) -> tuple[Messages, str]:
    """All messages, and why there are no more."""
    messages: Messages = []

    async def main() -> str:
        try:
            async for message in read_events(where, after):
                messages.append(message)
        except OSError as error:
            return str(error)
        return ""

    return messages, asyncio.run(main())


def test_messages_come_whole_however_they_are_cut() -> None:
    body = b": alive\n\nid: 4\nevent: fact\ndata: {}\n\nevent: changed\r\ndata: [1]\r\n\r\n"
    with serving(answering(HEAD + body[:20], body[20:45], body[45:])) as where:
        messages, end = read(where)
    assert messages == [("fact", b"{}"), ("changed", b"[1]")]
    assert end == "the stream has ended"


def test_only_a_newline_ends_a_line() -> None:
    data = 'event: fact\ndata: "a\u2028b\u0085c\x0cd"\n\n'.encode()
    with serving(answering(HEAD, data)) as where:
        assert read(where)[0] == [("fact", '"a\u2028b\u0085c\x0cd"'.encode())]


def test_it_asks_for_what_came_after() -> None:
    asked: list[bytes] = []
    with serving(answering(HEAD, asked=asked)) as where:
        read(where, after=17)
    assert b"\r\nlast-event-id: 17\r\n" in asked[0].lower()


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    with serving(answering(HEAD, b"event: fact\ndata: {}\n\n")) as where:
        assert read(where)[0] == [("fact", b"{}")]


def test_what_is_no_stream_is_said() -> None:
    with serving(answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")) as where:
        assert read(where) == ([], "/events answers 404 Not Found")
    assert read(Endpoint("127.0.0.1", free_port()))[1].startswith("the stream has ended: ")
    with serving(answering(b"SSH-2.0\r\n")) as where:
        assert read(where)[1].startswith("the stream has ended: ")
