"""An HTTP answer and its bytes on the wire (RFC 9110, RFC 9112). Every answer ends its connection."""

from collections.abc import Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple


class Answer(NamedTuple):
    """A status code, the media type of the body, and the body."""

    status: int
    content_type: str
    body: bytes | bytearray


Route = Callable[[], Awaitable[Answer]]
"""Makes the answer to a GET of one path."""


def plain(status: int, text: str) -> Answer:
    """An answer for a person: one or more lines of text."""
    return Answer(status, "text/plain; charset=utf-8", f"{text}\n".encode())


def head_of(answer: Answer) -> bytes:
    """Status line and headers, with the empty line that ends them."""
    allow = "Allow: GET, HEAD\r\n" if answer.status == HTTPStatus.METHOD_NOT_ALLOWED else ""
    return (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        f"Date: {formatdate(usegmt=True)}\r\n"
        f"Content-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n"
        f"{allow}"
        "Connection: close\r\n\r\n"
    ).encode("ascii")
