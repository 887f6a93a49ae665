"""A URL that is told, over real sockets."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from threading import Event

import pytest

from kglb.cli.notifying.payload import documents
from kglb.cli.notifying.target import TAKEN, Reply
from kglb.cli.notifying.webhook import Webhook
from tests.checks.servers import CA_FILE, CA_SIGNED, free_port, over_tls, server_context, serving, silent
from tests.cli.notifying.receivers import Answer, Receiver, notice

HEADERS = (("Authorization", "Bearer s3cret-of-ours"), ("user-agent", "ours"))


def using(url: str, play: Callable[[Webhook], Awaitable[None]], timeout: float = 60.0) -> None:
    async def main() -> None:
        webhook = Webhook(url, HEADERS, documents, timeout=timeout)
        try:
            await play(webhook)
        finally:
            await webhook.close()

    asyncio.run(main())


def tell(url: str, timeout: float = 60.0) -> Reply:
    replies = []

    async def play(webhook: Webhook) -> None:
        replies.append(await webhook.tell([notice()]))

    using(url, play, timeout)
    return replies[0]


def test_it_posts_json_with_the_headers_it_was_given() -> None:
    with Receiver() as receiver:
        assert tell(receiver.url) == TAKEN
    assert receiver.seqs == [7]
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert receiver.headers[0]["Authorization"] == "Bearer s3cret-of-ours"
    assert [value for name, value in receiver.headers[0].items() if name.lower() == "user-agent"] == ["ours"]


def test_one_connection_serves_many_notices() -> None:
    async def play(webhook: Webhook) -> None:
        for _ in range(5):
            assert await webhook.tell([notice()]) == TAKEN

    with Receiver(answers=(Answer(204, body=b""),)) as receiver:
        using(receiver.url, play)
    assert (len(receiver.posts), receiver.connections) == (5, 1)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_what_is_said_of_the_document_is_final(status: int) -> None:
    with Receiver(answers=(Answer(status, body=b"invalid\n payload"),)) as receiver:
        reply = tell(receiver.url)
    assert reply.verdict == "refused"
    assert str(status) in reply.reason
    assert reply.reason.endswith(": invalid payload")


@pytest.mark.parametrize("status", [301, 401, 403, 404, 408, 410, 425, 429, 500, 503])
def test_all_else_may_pass(status: int) -> None:
    with Receiver(answers=(Answer(status),)) as receiver:
        assert tell(receiver.url).verdict == "later"


def test_a_receiver_says_when_it_is_to_be_asked_again() -> None:
    with Receiver(answers=(Answer(429, (("Retry-After", "17"),)),)) as receiver:
        assert tell(receiver.url).wait == 17.0


def test_a_receiver_that_hangs_costs_its_time_and_no_more() -> None:
    with serving(silent) as where:
        assert tell(f"http://{where}/x", timeout=0.2) == Reply("later", "no answer within 0.2 s")


def test_so_does_one_that_answers_drop_by_drop() -> None:
    done = Event()

    def dripping(connection: object) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000:
            if done.wait(0.02):
                return
            connection.sendall(bytes([byte]))  # type: ignore[attr-defined]

    with serving(dripping) as where:
        try:
            assert tell(f"http://{where}/x", timeout=0.3).verdict == "later"
        finally:
            done.set()


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    def flooding(connection: object) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")  # type: ignore[attr-defined]
        while True:
            connection.sendall(b"x" * 65536)  # type: ignore[attr-defined]

    with serving(flooding) as where:
        before = time.process_time()
        assert tell(f"http://{where}/x") == TAKEN
        assert time.process_time() - before < 10


def test_nobody_there_is_said_in_plain_words() -> None:
    assert tell(f"http://127.0.0.1:{free_port()}/x") == Reply("later", "Connection refused")
    assert tell("http://nobody.invalid/x").verdict == "later"


def test_a_certificate_is_trusted_if_the_system_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def accept(connection: object) -> None:
        connection.recv(65536)  # type: ignore[attr-defined]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")  # type: ignore[attr-defined]

    with serving(over_tls(accept, server_context(CA_SIGNED))) as where:
        reply = tell(f"https://{where}/x")
        assert reply.verdict == "later"
        assert "certificate verify failed" in reply.reason
        monkeypatch.setenv("SSL_CERT_FILE", str(CA_FILE))
        assert tell(f"https://{where}/x") == TAKEN


def test_no_message_shows_a_secret() -> None:
    body = b"no route to /hooks/T0KEN-of-ours for Bearer s3cret-of-ours"
    with Receiver(answers=(Answer(404, body=body),)) as receiver:
        reply = tell(f"{receiver.url}?key=an0ther-one")
        assert reply.reason == "404 Not Found: no route to [secret] for [secret]"
        name = []

        async def play(webhook: Webhook) -> None:
            name.append(webhook.name)

        using(receiver.url.replace("http://", "http://anna:passw0rd@"), play)
    assert name == [f"http://127.0.0.1:{receiver.port}"]
