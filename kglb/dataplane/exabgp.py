"""Routes by ExaBGP, through our helper process that ExaBGP runs (see ``exabgp_helper``).

The helper is ExaBGP's child, so it lives exactly as long as ExaBGP's sessions do: where nobody answers at its socket,
nothing is announced. The daemon's end of the socket is here; nothing else of ExaBGP is touched.
"""

import asyncio
import errno
from collections.abc import Callable

from journal import UNDECODABLE
from kglb.dataplane.exabgp_messages import HelperAnswer, ListRoutes, Request, decode_answer, line
from kglb.dataplane.port import Failure
from kglb.model import Route, RouteOperation, WithdrawRoute

ANSWER_TIMEOUT = 8.0
"""Seconds in which the helper answers; it waits for ExaBGP for less."""

LONGEST_LINE = 16 * 1024 * 1024
"""Bytes of one answer: more than a hundred thousand routes."""

_ABSENT = (errno.ENOENT, errno.ECONNREFUSED)


class ExaBgpRoutes:
    """The helper at a Unix socket, connected to when there is something to say, and again after it went away."""

    def __init__(self, socket: str, timeout: float = ANSWER_TIMEOUT) -> None:
        self._socket = socket
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answer: asyncio.Future[HelperAnswer] | None = None
        self._tell: Callable[[], None] = lambda: None

    async def perform(self, operation: RouteOperation) -> Failure | None:
        """Announce or withdraw one route; see ``RouteEngine.perform``."""
        try:
            answer = await self._ask(operation)
        except OSError as error:
            if error.errno not in _ABSENT:
                return Failure(error.errno or errno.EIO, f"the ExaBGP helper at {self._socket}: {error}")
            if isinstance(operation, WithdrawRoute):
                return None
            return Failure(error.errno, f"no ExaBGP helper at {self._socket}: is ExaBGP running, with our process?")
        return Failure(errno.EPROTO, answer.error) if answer.error else None

    async def announced(self) -> tuple[Route, ...]:
        """What the helper announces; nothing where there is no helper. Raises OSError where it does not answer."""
        try:
            return (await self._ask(ListRoutes())).routes
        except OSError as error:
            if error.errno in _ABSENT:
                return ()
            raise

    def on_loss(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` whenever the connection to the helper ends."""
        self._tell = tell

    async def close(self) -> None:
        """Close the connection. The helper keeps its routes."""
        self._tell = lambda: None
        self._hang_up()

    async def _ask(self, request: Request) -> HelperAnswer:
        async with self._turn:
            writer = self._writer or await self._connect()
            answer = self._answer = asyncio.get_running_loop().create_future()
            try:
                writer.write(line(request))
                return await asyncio.wait_for(answer, self._timeout)
            except TimeoutError:
                self._hang_up()  # a late answer would be taken for that to the next question
                raise TimeoutError(errno.ETIMEDOUT, f"no answer within {self._timeout:g} s") from None
            except asyncio.CancelledError:
                self._hang_up()
                raise
            finally:
                self._answer = None

    async def _connect(self) -> asyncio.StreamWriter:
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=LONGEST_LINE)
        self._writer = writer
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))
        return writer

    async def _read(self, reader: asyncio.StreamReader) -> None:
        lost = OSError(errno.ECONNRESET, "it closed the connection")
        try:
            while received := await reader.readline():
                answer = decode_answer(received)
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(answer)
        except (OSError, ValueError, *UNDECODABLE) as error:
            lost = OSError(errno.EPROTO, str(error))
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(lost)
        self._hang_up()
        self._tell()

    def _hang_up(self) -> None:
        writer, self._writer = self._writer, None
        reading, self._reading = self._reading, None
        if writer is not None:
            writer.close()
        if reading is not None and reading is not asyncio.current_task():
            reading.cancel()
