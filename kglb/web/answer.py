"""An HTTP answer and its bytes on the wire (RFC 9110, RFC 9112). Every answer ends its connection."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import NamedTuple

from kglb.web.packed import PIECE, Packed

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_GZIPPED = "Content-Encoding: gzip\r\n"


class Answer(NamedTuple):
    """A status code, the media type of the body, the body, and the headers besides. A packed body is sent as it is to
    who takes gzip, and else unpacked.
    """

    status: int
    content_type: str
    body: bytes | Packed
    headers: tuple[tuple[str, str], ...] = ()


Route = Callable[[], Awaitable[Answer]]
"""Makes the answer to a GET of one path."""

Stream = Callable[[str], AsyncGenerator[bytes, None] | None]
"""The parts of an endless answer after the ``Last-Event-ID`` of a request; None where there are too many already."""


def plain(status: int, text: str) -> Answer:
    """An answer for a person: one or more lines of text."""
    return Answer(status, "text/plain; charset=utf-8", f"{text}\n".encode())


def head_of(answer: Answer, *, takes_gzip: bool = False) -> bytes:
    """Status line and headers, with the empty line that ends them."""
    body, encoding = answer.body, ""
    if isinstance(body, bytes):
        length = len(body)
    else:
        encoding = f"Vary: Accept-Encoding\r\n{_GZIPPED if takes_gzip else ''}"
        length = len(body.data) if takes_gzip else body.size
    allow = "Allow: GET, HEAD\r\n" if answer.status == HTTPStatus.METHOD_NOT_ALLOWED else ""
    more = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    return (
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
        f"Date: {_now()}\r\n"
        f"Content-Type: {answer.content_type}\r\n"
        f"Content-Length: {length}\r\n"
        f"{encoding}{allow}{more}"
        "X-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    ).encode("ascii")


def _now() -> str:
    """As a header says it (RFC 9110, 5.6.7), whatever the locale."""
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime()
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year} {hour:02}:{minute:02}:{second:02} GMT"


def body_of(answer: Answer, *, takes_gzip: bool = False) -> Iterator[bytes | memoryview]:
    """The body as ``head_of`` announces it, PIECE by PIECE."""
    body = answer.body
    if isinstance(body, Packed) and not takes_gzip:
        yield from body.pieces()
        return
    whole = memoryview(body if isinstance(body, bytes) else body.data)
    for start in range(0, len(whole), PIECE):
        yield whole[start : start + PIECE]


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream\r\n"
    b"Cache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
    b"Connection: close\r\n\r\n"
)
"""The head of an answer that ends with its connection: server-sent events."""
