"""What a client asks of the status address: it is answered in HTTP, and never with a fault of ours."""

import asyncio
import re
from contextlib import suppress
from functools import cache

from fuzz.fleet import fleet, records
from fuzz.loops import run
from kglb.cli.narrator import StateNarrator
from kglb.model import Endpoint
from kglb.web.board import Board, Past
from kglb.web.server import StatusServer
from kglb.web.status import Status
from kglb.web.vitals import Vitals

_STATUS = re.compile(rb"HTTP/1\.1 (?:200|4\d\d|503) ")
_WELL = Vitals(
    start_time=1e9,
    started=True,
    probes={},
    probes_in_flight=0,
    probe_lateness=0.0,
    idle_connections=0,
    journal_degraded="",
    journal_unwritten=0,
    journal_unsynced=0,
    foreign_services=0,
    log_lines_dropped=0,
)


@cache
def _served() -> tuple[StatusServer, Endpoint]:
    state = fleet()
    status = Status(state, lambda: _WELL)
    board = Board(state, status, StateNarrator(state), host="director")
    board.recall([Past(1e9 + record.seq, record.seq, record.cause, record.event) for record in records()[1:]])
    server = StatusServer({**status.routes(), **board.routes()}, board.streams(), patience=1.0)
    return server, run(server.start("127.0.0.1:0"))


def one_input(data: bytes) -> None:
    """Connect, send it, hang up, and read what is answered."""
    _, where = _served()
    answer = run(_exchange(where, data))
    assert not answer or _STATUS.match(answer), answer[:200]


async def _exchange(where: Endpoint, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(where.address, where.port)
    with suppress(OSError):
        writer.write(data)
        writer.write_eof()
        await writer.drain()
    answer = b""
    with suppress(OSError):
        while chunk := await reader.read(65536):
            answer = (answer + chunk)[:1024]
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return answer
