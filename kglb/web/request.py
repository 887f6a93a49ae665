"""Reads the head of an HTTP request with httptools, the C parser. What follows the head is not read."""

import asyncio
from http import HTTPStatus
from typing import NamedTuple

import httptools

HEAD_LIMIT = 8192
"""Bytes in which the head has to end."""


class Request(NamedTuple):
    """The method and the path, without its query; the path is as sent, percent-encoding and all.

    ``last_event_id`` and ``host`` are the headers of that name, empty without one; ``takes_gzip`` is what
    Accept-Encoding says. ``cross_site``: a browser asks for the page of another site (Sec-Fetch-Site).
    """

    method: str
    path: str
    last_event_id: str = ""
    host: str = ""
    takes_gzip: bool = False
    cross_site: bool = False


class BadRequestError(Exception):
    """The client did not send a request that can be answered; ``status`` is what to answer instead."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status


class _Head:
    """What the parser calls back. A target may come in pieces."""

    def __init__(self) -> None:
        self.target = b""
        self.headers = {b"last-event-id": "", b"host": "", b"accept-encoding": "", b"sec-fetch-site": ""}
        self.complete = False

    def on_message_begin(self) -> None:
        if self.complete:
            raise BadRequestError(HTTPStatus.BAD_REQUEST, "one request a connection")  # which ends the parsing, unseen

    def on_url(self, piece: bytes) -> None:
        self.target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        if (known := name.lower()) in self.headers:
            self.headers[known] = str(value, "ascii", "backslashreplace")

    def on_headers_complete(self) -> None:
        self.complete = True


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request; None when the client closed without a word. Raises BadRequestError."""
    head = _Head()
    parser = httptools.HttpRequestParser(head)
    heard = 0
    while not head.complete:
        if heard == HEAD_LIMIT:
            raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"a head has at most {HEAD_LIMIT} bytes")
        chunk = await reader.read(HEAD_LIMIT - heard)
        if not chunk:
            if heard == 0:
                return None
            raise BadRequestError(HTTPStatus.BAD_REQUEST, "the head ends too early")
        heard += len(chunk)
        _feed(parser, head, chunk)
    last_event_id, host, codings, site = head.headers.values()
    method = parser.get_method().decode("ascii")
    return Request(method, _path(head.target), last_event_id, host, _takes_gzip(codings), site == "cross-site")


def _takes_gzip(codings: str) -> bool:
    """What Accept-Encoding says (RFC 9110, 12.5.3): ``gzip``, and with no weight of 0."""
    for coding in codings.lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return weight.strip().removeprefix("q=").strip("0.") != "" if weight else True
    return False


def _feed(parser: httptools.HttpRequestParser, head: _Head, chunk: bytes) -> None:
    try:
        parser.feed_data(chunk)
    except httptools.HttpParserUpgrade:
        pass  # an offer, which is not taken up
    except httptools.HttpParserError as error:
        if not head.complete:
            raise BadRequestError(HTTPStatus.BAD_REQUEST, f"this is not HTTP: {error}") from None


def _path(target: bytes) -> str:
    try:
        path = httptools.parse_url(target).path
    except httptools.HttpParserInvalidURLError:
        path = None
    if path is None:
        raise BadRequestError(HTTPStatus.BAD_REQUEST, "the request's target has no path")
    return str(path, "ascii", "backslashreplace")
