"""A board over a fleet, and clients that read its stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from kglb.cli.narrator import StateNarrator
from kglb.events import Event
from kglb.model import Endpoint
from kglb.web.answer import body_of
from kglb.web.board import Board
from kglb.web.server import StatusServer
from kglb.web.status import Status
from kglb.web.vitals import Vitals
from tests.patience import PATIENCE
from tests.web.builders import WELL, Fleet
from tests.web.clients import connect

Message = tuple[str, str, Any]
"""Id, event, data."""


class Site:
    """The pages of a daemon whose facts are those of ``fleet``."""

    def __init__(self, fleet: Fleet, state: Vitals = WELL) -> None:
        self.fleet = fleet
        self.status = Status(fleet.state, lambda: state)
        self.board = Board(fleet.state, self.status, StateNarrator(fleet.state), host="director")

    def record(self, event: Event, *, cause: int | None = None) -> int:
        """Have it recorded, as the recorder does."""
        self.fleet.record(event)
        seq = len(self.fleet.events)
        self.status.note(event)
        self.board.note(seq, cause, event)
        return seq

    @asynccontextmanager
    async def served(self, *, patience: float = PATIENCE) -> AsyncIterator[Endpoint]:
        """The pages over a real socket."""
        routes = {**self.status.routes(), **self.board.routes()}
        server = StatusServer(routes, self.board.streams(), patience=patience)
        try:
            yield await server.start("127.0.0.1:0")
        finally:
            await server.close()

    async def state(self) -> Any:
        """What ``/state`` says."""
        return json.loads(b"".join(body_of(await self.board.routes()["/state"]())))


class Client:
    """One that reads the stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def message(self) -> Message:
        """The next event."""
        fields: dict[str, str] = {}
        while (line := (await self._reader.readline()).decode().rstrip("\n")) or "data" not in fields:
            name, _, value = line.partition(": ")
            fields[name] = value
            if self._reader.at_eof():
                raise EOFError
        return fields.get("id", ""), fields.get("event", ""), json.loads(fields["data"])

    async def until(self, event: str) -> Message:
        """The next event of that name."""
        while (message := await self.message())[1] != event:
            pass
        return message


async def listen(where: Endpoint, *, after: int | None = None) -> Client:
    """A client whose stream has begun; ``after`` is the id it has seen last."""
    reader, writer = await connect(where)
    resumed = f"Last-Event-ID: {after}\r\n" if after is not None else ""
    writer.write(f"GET /events HTTP/1.1\r\nHost: status\r\n{resumed}\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"200 OK" in head
    assert b"text/event-stream" in head
    return Client(reader, writer)
