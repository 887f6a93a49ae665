"""A small HTTP/1.1 server for GET and HEAD. One request a connection, and nobody can hold it up.

A client has PATIENCE to send its head and again to take the answer; beyond MAX_CONNECTIONS it is refused.
The server logs nothing: what a route raises goes to the loop's exception handler, what a client does wrong
to the client.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus

from kglb.model import Endpoint, parse_endpoint
from kglb.web.answer import Answer, Route, head_of, plain
from kglb.web.request import BadRequestError, Request, read_request

PATIENCE = 5.0
"""Seconds."""

MAX_CONNECTIONS = 100

_BACKLOG = 10 * MAX_CONNECTIONS  # a flood is refused at once; beyond, the kernel lets it wait a second
_PIECE = 64 * 1024
_LEFTOVER = 64 * 1024  # bytes after the head that are read and thrown away

_REMEDIES = {
    errno.EADDRINUSE: "stop what listens there (another kglb-actors?), or change listen in [status]",
    errno.EADDRNOTAVAIL: "set listen in [status] to an address of this machine",
    errno.EACCES: "set listen in [status] to a port above 1023, or grant CAP_NET_BIND_SERVICE",
}
_ANY_REMEDY = 'change listen in [status], or turn it "off"'


class ListenError(Exception):
    """The status address cannot be listened on: ``problem`` says why, ``remedy`` what helps."""

    def __init__(self, listen: str, error: OSError) -> None:
        self.problem = f"cannot listen on {listen}: {os.strerror(error.errno or 0)}"
        self.remedy = _REMEDIES.get(error.errno or 0, _ANY_REMEDY)
        super().__init__(f"{self.problem}; try: {self.remedy}")


class StatusServer:
    """Serves each path of ``routes``. ``patience`` is in seconds."""

    def __init__(self, routes: Mapping[str, Route], *, patience: float = PATIENCE) -> None:
        self._routes = routes
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self, listen: str) -> Endpoint:
        """Listen on ``address:port`` and return it, with the port chosen for 0. Raises ListenError."""
        wanted = parse_endpoint(listen)
        family = socket.AF_INET6 if wanted.is_ipv6 else socket.AF_INET
        try:
            listener = socket.create_server((wanted.address, wanted.port), family=family)
        except OSError as error:
            raise ListenError(listen, error) from None
        self._server = await asyncio.start_server(self._connected, sock=listener, backlog=_BACKLOG)
        return Endpoint(wanted.address, listener.getsockname()[1])

    async def close(self) -> None:
        """Stop listening and cut off whoever is connected, for good."""
        self._closing = True
        if self._server is None:
            return
        self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        if self._conversations:
            await asyncio.wait(self._conversations)
        await self._server.wait_closed()
        self._server = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing:  # accepted just before
            writer.transport.abort()
            return
        if len(self._conversations) >= MAX_CONNECTIONS:
            busy = plain(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections")
            writer.write(head_of(busy) + busy.body)
            writer.close()
            return
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(TimeoutError, OSError):
                await self._exchange(reader, writer)
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = None
        try:
            async with asyncio.timeout(self._patience):
                request = await read_request(reader)
        except TimeoutError:
            answer = plain(HTTPStatus.REQUEST_TIMEOUT, f"no whole request within {self._patience:g} s")
        except BadRequestError as bad:
            answer = plain(bad.status, str(bad))
        else:
            if request is None:
                return
            answer = await self._answer(request)
        async with asyncio.timeout(self._patience):
            await _send(writer, answer, with_body=request is None or request.method != "HEAD")
            await _take_leave(reader, writer)

    async def _answer(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, f"only GET and HEAD are served, not {request.method}")
        route = self._routes.get(request.path)
        if route is None:
            return plain(HTTPStatus.NOT_FOUND, f"no such page; there are {', '.join(sorted(self._routes))}")
        try:
            return await route()
        except Exception as error:
            context = {"message": f"GET {request.path} failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, f"this answer cannot be made: {error!r}")


async def _send(writer: asyncio.StreamWriter, answer: Answer, *, with_body: bool) -> None:
    """Hand the answer to the kernel, a piece and a turn of the loop at a time, and never buffer more."""
    writer.transport.set_write_buffer_limits(high=0)
    writer.write(head_of(answer))
    body = memoryview(answer.body if with_body else b"")
    for start in range(0, len(body), _PIECE):
        writer.write(body[start : start + _PIECE])
        await asyncio.sleep(0)
        await writer.drain()
    await writer.drain()


async def _take_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that no more comes, and let the client close: a reset could overtake the answer (RFC 9112, 9.6)."""
    writer.write_eof()
    heard = 0
    while heard < _LEFTOVER and (chunk := await reader.read(_PIECE)):
        heard += len(chunk)
