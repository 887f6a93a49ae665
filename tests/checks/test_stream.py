"""TLS over any stream, however little of it goes through at a time."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kglb.checks.stream import Stream, TlsStream
from kglb.checks.tls import tls_context
from kglb.model import HttpCheck
from tests.checks.servers import server_context

TRUSTING = tls_context(HttpCheck(tls=True))
AT_ONCE = [100_000]
LONGEST = 40_000
"""Bytes: more than two records."""


class Pipe:
    """One direction: each send and each recv move at most so many bytes, none where it says 0."""

    def __init__(self, portions: Iterator[int]) -> None:
        self.portions = portions
        self.under_way = b""
        self.sends = 0
        self.is_ended = False

    def send(self, message: bytes, /) -> int:
        portion = self._portion()
        self.sends += 1
        self.under_way += message[:portion]
        return min(portion, len(message))

    def recv(self, size: int, /) -> bytes:
        if not self.under_way:
            if self.is_ended:
                return b""
            raise BlockingIOError
        portion = min(size, self._portion())
        heard, self.under_way = self.under_way[:portion], self.under_way[portion:]
        return heard

    def _portion(self) -> int:
        portion = next(self.portions)
        if not portion:
            raise BlockingIOError
        return portion


class Ends:
    """Both directions, from one side."""

    def __init__(self, to: Stream, back: Stream) -> None:
        self.send = to.send
        self.recv = back.recv


class Server:
    """The other side of one TLS connection: hears and answers through ``ssl`` itself."""

    def __init__(self, below: Stream) -> None:
        self.below = below
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server_context().wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.unsent = b""
        self.heard = b""

    def send(self, message: bytes, /) -> int:
        """Say it after what there is to say already."""
        return self.tls.write(message)

    def recv(self, size: int, /) -> bytes:
        """What has been heard."""
        if not self.heard:
            raise BlockingIOError
        heard, self.heard = self.heard[:size], self.heard[size:]
        return heard

    def expect(self, size: int) -> None:
        """Raises ssl.SSLWantReadError until so much has been heard."""
        if len(self.heard) < size:
            raise ssl.SSLWantReadError

    def go_on(self) -> None:
        """Move what can be moved."""
        with suppress(BlockingIOError):
            self.incoming.write(self.below.recv(65536))
        with suppress(ssl.SSLWantReadError):
            while True:
                self.heard += self.tls.read(65536)
        self.unsent += self.outgoing.read()
        with suppress(BlockingIOError):
            while self.unsent:
                self.unsent = self.unsent[self.below.send(self.unsent) :]


class Talk:
    """A client that has shaken hands with ``depth`` servers, each through the one before."""

    def __init__(self, portions: list[int], depth: int = 1) -> None:
        self.there, self.back = Pipe(cycle(portions)), Pipe(cycle(portions))
        self.servers: list[Server] = []
        client: Stream = Ends(self.there, self.back)
        server: Stream = Ends(self.back, self.there)
        for _ in range(depth):
            client = self.client = TlsStream(client, TRUSTING, None)
            server = Server(server)
            self.servers.append(server)
            self.until(client.do_handshake)
        self.server = self.servers[-1]

    def until(self, act: Callable[[], object]) -> None:
        """Act again and again until it need not wait, the servers going on in between."""
        for _ in range(100_000):
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                act()
                return
            self.go_on()
        raise AssertionError("it does not end")

    def go_on(self) -> None:
        for server in self.servers:
            server.go_on()

    def say(self, message: bytes) -> None:
        def send() -> None:
            nonlocal message
            while message:
                message = message[self.client.send(message) :]

        self.until(send)

    def hear(self, size: int) -> bytes:
        heard = b""

        def recv() -> None:
            nonlocal heard
            while len(heard) < size:
                heard += self.client.recv(1000)

        self.until(recv)
        return heard


@given(
    portions=st.lists(st.sampled_from([0, 1, 7, 300, 5000, 100_000]), min_size=1, max_size=8).filter(
        lambda portions: sum(portions) > 100
    ),
    depth=st.sampled_from([1, 2]),
    size=st.integers(1, LONGEST),
)
def test_what_is_said_arrives_whole_and_once(portions: list[int], depth: int, size: int) -> None:
    said = bytes(number % 251 for number in range(size))
    talk = Talk(portions, depth)
    talk.say(said)
    talk.until(lambda: talk.server.expect(size))
    assert talk.server.heard == said
    talk.server.send(said)
    assert talk.hear(size) == said


def test_the_end_of_the_handshake_and_the_request_are_one_send() -> None:
    talk = Talk(AT_ONCE)
    before = talk.there.sends
    talk.client.send(b"GET / HTTP/1.1\r\n\r\n")
    talk.go_on()
    assert (talk.there.sends - before, talk.server.heard) == (1, b"GET / HTTP/1.1\r\n\r\n")


def test_all_that_has_come_is_heard_at_once() -> None:
    talk = Talk(AT_ONCE)
    talk.say(b"go on")
    talk.go_on()
    for _ in range(3):
        talk.server.send(b"x" * 100)
    talk.go_on()
    assert talk.client.recv(10) == b"x" * 300


def test_a_session_is_there_once_something_has_been_heard() -> None:
    talk = Talk(AT_ONCE)
    before = talk.client.session
    talk.say(b"go on")
    talk.go_on()
    talk.server.send(b"answer")
    assert talk.hear(6) == b"answer"
    after = talk.client.session
    assert before is None
    assert after is not None
    assert after.has_ticket


def test_an_end_within_a_record_is_an_end() -> None:
    talk = Talk(AT_ONCE)
    talk.say(b"go on")
    talk.go_on()
    talk.server.send(b"answer")
    talk.go_on()
    talk.back.under_way = talk.back.under_way[:-1]
    talk.back.is_ended = True
    assert talk.client.recv(1000) == b""


def test_a_refused_certificate_is_told_to_the_server() -> None:
    there, back = Pipe(cycle(AT_ONCE)), Pipe(cycle(AT_ONCE))
    client = TlsStream(Ends(there, back), ssl.create_default_context(), "real.test")
    server = Server(Ends(back, there))
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    server.go_on()
    with pytest.raises(ssl.SSLCertVerificationError):
        client.do_handshake()
    with pytest.raises(ssl.SSLError, match="ALERT_UNKNOWN_CA"):
        server.go_on()
