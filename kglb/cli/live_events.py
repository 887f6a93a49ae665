"""The running daemon's stream of events, as ``top`` follows it; ``status`` does without, and so without asyncio."""

import asyncio
from collections.abc import AsyncIterator

from kglb.cli.looking import PATIENCE
from kglb.model import Endpoint

_LONGEST_LINE = 64 * 1024 * 1024


async def read_events(where: Endpoint, after: int | None = None) -> AsyncIterator[tuple[str, bytes]]:
    """The name and data of each message of ``/events``, as they come; all that are kept, or those after a record.

    Raises OSError where the stream cannot be had or ends.
    """
    reader, writer = await asyncio.open_connection(where.address, where.port, limit=_LONGEST_LINE)
    try:
        resumed = "" if after is None else f"Last-Event-ID: {after}\r\n"
        writer.write(f"GET /events HTTP/1.1\r\nHost: {where}\r\n{resumed}\r\n".encode())
        status = await _line(reader)
        if b" 200 " not in status:
            raise ConnectionError(f"/events answers {status.decode(errors='replace')}")
        event = ""
        while True:
            name, _, value = (await _line(reader)).partition(b": ")
            if name == b"event":
                event = value.decode()
            elif name == b"data":
                yield event, value
    finally:
        writer.close()


async def _line(reader: asyncio.StreamReader) -> bytes:
    """The next line without its end. Raises OSError."""
    try:
        async with asyncio.timeout(PATIENCE):
            return (await reader.readuntil(b"\n")).rstrip(b"\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise ConnectionError(f"the stream has ended: {error}") from None
