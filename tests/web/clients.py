"""HTTP clients that say exactly what they are told to, and servers to say it to."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from kglb.model import Endpoint
from kglb.web.answer import Answer, Route, plain
from kglb.web.hosts import Accepts, anyone
from kglb.web.server import StatusServer
from tests.patience import PATIENCE

PAGE = b"GET /page HTTP/1.1\r\nHost: status\r\n\r\n"


async def page() -> Answer:
    return plain(200, "a page")


@asynccontextmanager
async def serving(
    routes: Mapping[str, Route] | None = None, *, accepts: Accepts = anyone, patience: float = PATIENCE
) -> AsyncIterator[Endpoint]:
    server = StatusServer({"/page": page} if routes is None else routes, accepts=accepts, patience=patience)
    try:
        yield await server.start("127.0.0.1:0")
    finally:
        await server.close()


async def connect(where: Endpoint) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(where.address, where.port)


async def exchange(where: Endpoint, request: bytes) -> bytes:
    """Everything that the server answers before it closes."""
    reader, writer = await connect(where)
    writer.write(request)
    answer = await reader.read(-1)
    await hang_up(writer)
    return answer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]
