"""A small HTTP/1.1 server for GET and HEAD. One request a connection, and nobody can hold it up.

A client has PATIENCE to send its head and again to take the answer, or each part of an endless one. Beyond
MAX_CONNECTIONS a new client takes the place of the one that has kept us waiting longest (at least GRACE) for its head
or its leave; if there is none, the new client is refused. One that has vanished from an endless answer is noticed
within GONE. The server logs nothing: what a route raises goes to the loop's exception handler, what a client does wrong
to the client.
"""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from http import HTTPStatus

from kglb.model import Endpoint, parse_endpoint
from kglb.web.answer import STREAM_HEAD, Answer, Route, Stream, body_of, head_of, plain
from kglb.web.hosts import Accepts, anyone, misdirected
from kglb.web.packed import PIECE
from kglb.web.request import BadRequestError, Request, read_request

PATIENCE = 5.0
"""Seconds."""

MAX_CONNECTIONS = 100

GRACE = 0.5
"""Seconds: a flood of clients that are quick shall not cut one another off."""

GONE = 30_000
"""Milliseconds without an acknowledgement (RFC 5482) after which a client of an endless answer is gone."""

_BACKLOG = 10 * MAX_CONNECTIONS  # a flood is refused at once; beyond, the kernel lets it wait a second
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
    """Serves each path of ``routes``, and without end each of ``streams``, to requests whose ``Host`` it ``accepts``.
    ``patience`` is in seconds.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        streams: Mapping[str, Stream] | None = None,
        *,
        accepts: Accepts = anyone,
        patience: float = PATIENCE,
    ) -> None:
        self._routes = routes
        self._streams = streams or {}
        self._accepts = accepts
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._cut_off: set[asyncio.Task[None]] = set()
        self._waiting: dict[asyncio.Task[None], float] = {}
        """Conversations in which it is the client's turn, and since when on the loop's clock; the longest first."""
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
        conversations = self._conversations | self._cut_off
        for conversation in conversations:
            conversation.cancel()
        if conversations:
            await asyncio.wait(conversations)
        await self._server.wait_closed()
        self._server = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closing:  # accepted just before
            writer.transport.abort()
            return
        if len(self._conversations) >= MAX_CONNECTIONS and not self._make_room():
            busy = plain(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections")
            writer.writelines((head_of(busy), *body_of(busy)))
            writer.close()
            return
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    def _make_room(self) -> bool:
        """Cut off who has kept us waiting longest, if that is long enough."""
        slowest, since = next(iter(self._waiting.items()), (None, 0.0))
        if slowest is None or asyncio.get_running_loop().time() - since < GRACE:
            return False
        del self._waiting[slowest]
        self._conversations.discard(slowest)
        self._cut_off.add(slowest)
        slowest.add_done_callback(self._cut_off.discard)
        slowest.cancel()
        return True

    @contextmanager
    def _clients_turn(self) -> Iterator[None]:
        conversation = asyncio.current_task()
        assert conversation is not None
        self._waiting[conversation] = asyncio.get_running_loop().time()
        try:
            yield
        finally:
            self._waiting.pop(conversation, None)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._exchange(reader, writer)
        except (TimeoutError, OSError):
            pass
        except RuntimeError:  # which is what uvloop says of a connection that was reset meanwhile
            if not writer.transport.is_closing():
                raise
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = None
        try:
            with self._clients_turn():
                async with asyncio.timeout(self._patience):
                    request = await read_request(reader)
        except TimeoutError:
            answer = plain(HTTPStatus.REQUEST_TIMEOUT, f"no whole request within {self._patience:g} s")
        except BadRequestError as bad:
            answer = plain(bad.status, str(bad))
        else:
            if request is None:
                return
            if not self._accepts(request.host):
                answer = misdirected(request.host)
            elif request.cross_site and request.path in self._streams:
                # It could not read it, but it could hold it, and all others.
                answer = plain(HTTPStatus.FORBIDDEN, "no stream for another site's page")
            elif request.method == "GET" and (stream := self._streams.get(request.path)) is not None:
                parts = stream(request.last_event_id)
                if parts is not None:
                    await _pour(reader, writer, parts, self._patience)
                    return
                answer = plain(HTTPStatus.SERVICE_UNAVAILABLE, "too many streams")
            else:
                answer = await self._answer(request)
        async with asyncio.timeout(self._patience):
            await _send(writer, answer, request)
            with self._clients_turn():
                await _take_leave(reader, writer)

    async def _answer(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, f"only GET and HEAD are served, not {request.method}")
        if request.path in self._streams:
            return Answer(HTTPStatus.OK, "text/event-stream", b"")  # to HEAD
        route = self._routes.get(request.path)
        if route is None:
            paths = ", ".join(sorted({**self._routes, **self._streams}))
            return plain(HTTPStatus.NOT_FOUND, f"no such page; there are {paths}")
        try:
            return await route()
        except Exception as error:
            context = {"message": f"GET {request.path} failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, f"this answer cannot be made: {error!r}")


async def _send(writer: asyncio.StreamWriter, answer: Answer, request: Request | None) -> None:
    """Hand the answer to the kernel, a piece and a turn of the loop at a time, and never buffer more."""
    writer.transport.set_write_buffer_limits(high=0)
    takes_gzip = request is not None and request.takes_gzip
    writer.write(head_of(answer, takes_gzip=takes_gzip))
    if request is None or request.method != "HEAD":
        for piece in body_of(answer, takes_gzip=takes_gzip):
            writer.write(piece)
            await asyncio.sleep(0)
            await writer.drain()
    await writer.drain()


async def _pour(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, parts: AsyncGenerator[bytes, None], patience: float
) -> None:
    """Send the parts as they come, each within ``patience``, until they end or the client hangs up."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE)
    writer.transport.set_write_buffer_limits(high=0)
    pouring = asyncio.create_task(_write_each(writer, parts, patience))
    hanging_up = asyncio.create_task(_hear_out(reader))
    try:
        await asyncio.wait((pouring, hanging_up), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pouring, hanging_up):
            task.cancel()
        await asyncio.gather(pouring, hanging_up, return_exceptions=True)


async def _write_each(writer: asyncio.StreamWriter, parts: AsyncGenerator[bytes, None], patience: float) -> None:
    async with aclosing(parts):
        writer.write(STREAM_HEAD)
        async for part in parts:
            async with asyncio.timeout(patience):
                writer.write(part)
                await writer.drain()


async def _hear_out(reader: asyncio.StreamReader) -> None:
    """Return once the client has hung up or talks too much."""
    heard = 0
    while heard < _LEFTOVER and (chunk := await reader.read(PIECE)):
        heard += len(chunk)


async def _take_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say that no more comes, and let the client close: a reset could overtake the answer (RFC 9112, 9.6)."""
    writer.write_eof()
    await _hear_out(reader)
