"""The helper that ExaBGP runs as its process: it takes routes from the daemon and hands them to ExaBGP, one by one.

::

    daemon --- Unix socket, lines of JSON --- helper --- standard output and input, lines of text --- ExaBGP

It keeps its routes in memory when the daemon leaves or dies, until ExaBGP ends; then it ends, too. So a route is
announced only while ExaBGP lives, and after a restart of ExaBGP only when a daemon has ordered it again. It never
decides about a route itself.
"""

import asyncio
import os
import socket
import sys
from collections import deque
from pathlib import Path

from journal import UNDECODABLE
from kglb.dataplane.exabgp_messages import (
    HelperAnswer,
    ListRoutes,
    Request,
    announce_command,
    decode_request,
    is_sayable,
    line,
    withdraw_command,
)
from kglb.model import AnnounceRoute, Route, WithdrawRoute

ACK_TIMEOUT = 5.0
"""Seconds in which ExaBGP acknowledges a command."""

REFRESH = 30.0
"""Seconds after which every route is given to ExaBGP again: a reload of its config may have brought a new neighbor."""

TAKEOVER = 5.0
"""Seconds in which a helper before us must be gone."""

_NO_ACK = "ExaBGP did not acknowledge within {:g} s: is exabgp.api.ack on?"
_REFUSED = "ExaBGP refused {!r}; its log says why"


class ExaBgp:
    """ExaBGP's process API: one command at a time, each acknowledged."""

    def __init__(self, output: asyncio.WriteTransport, timeout: float = ACK_TIMEOUT) -> None:
        self._output = output
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._acknowledged: deque[asyncio.Future[bool]] = deque()

    def heard(self, text: str) -> None:
        """Take in a line from ExaBGP; what is no acknowledgement (news of its neighbors) is passed over."""
        if text in ("done", "error") and self._acknowledged:
            waiting = self._acknowledged.popleft()
            if not waiting.done():
                waiting.set_result(text == "done")

    async def command(self, command: str) -> bool | None:
        """Give ExaBGP a command: whether it took it, None if it does not say in time.

        A late acknowledgement is still counted as that of its command.
        """
        async with self._turn:
            answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._acknowledged.append(answer)
            self._output.write(f"{command}\n".encode())
            done, _ = await asyncio.wait((answer,), timeout=self._timeout)
            return answer.result() if done else None


class Helper:
    """The routes, and the answers to the daemon. What may be announced counts as announced."""

    def __init__(self, exabgp: ExaBgp) -> None:
        self._exabgp = exabgp
        self._routes: dict[str, Route] = {}
        self._turn = asyncio.Lock()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection of the daemon until it ends."""
        try:
            while received := await reader.readline():
                writer.write(line(await self._answer(received)))
                await writer.drain()
        except (OSError, ValueError):  # the daemon is gone, or sends what is no line; the routes stay
            pass
        finally:
            writer.close()

    async def _answer(self, received: bytes) -> HelperAnswer:
        try:
            request: Request = decode_request(received)
        except UNDECODABLE as error:
            return HelperAnswer(error=f"the helper does not understand: {error}")
        if not isinstance(request, ListRoutes) and not is_sayable(request.route):
            return HelperAnswer(error=f"the helper does not understand: the route {request.route.prefix!r}")
        async with self._turn:
            match request:
                case AnnounceRoute(route):
                    return HelperAnswer(error=await self._announce(route))
                case WithdrawRoute(route):
                    return HelperAnswer(error=await self._withdraw(route))
                case ListRoutes():
                    return HelperAnswer(routes=tuple(self._routes.values()))

    async def _announce(self, route: Route) -> str:
        command = announce_command(route)
        taken = await self._exabgp.command(command)
        if taken is False:
            return _REFUSED.format(command)
        self._routes[route.prefix] = route
        return "" if taken else _NO_ACK.format(ACK_TIMEOUT)

    async def _withdraw(self, route: Route) -> str:
        command = withdraw_command(self._routes.get(route.prefix, route))
        taken = await self._exabgp.command(command)
        if taken is False:
            return _REFUSED.format(command)
        if taken is None:
            return _NO_ACK.format(ACK_TIMEOUT)
        self._routes.pop(route.prefix, None)
        return ""

    async def refresh(self) -> None:
        """Give ExaBGP every route again, for ever; for a peer that has it, that changes nothing."""
        while True:
            await asyncio.sleep(REFRESH)
            for prefix in list(self._routes):
                async with self._turn:
                    if prefix in self._routes:
                        await self._exabgp.command(announce_command(self._routes[prefix]))


async def listen(from_exabgp: asyncio.StreamReader, exabgp: ExaBgp) -> None:
    """Hear ExaBGP out until it ends. What is too long for a line of ours is news of its neighbors, and passed over."""
    while True:
        try:
            received = await from_exabgp.readline()
        except ValueError:
            continue
        if not received or (text := received.decode("ascii", "replace").strip()) == "shutdown":
            return
        exabgp.heard(text)


async def run(path: str) -> None:
    """Serve at ``path`` until ExaBGP closes our standard input. Raises OSError where the socket cannot be had."""
    loop = asyncio.get_running_loop()
    from_exabgp = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(from_exabgp), sys.stdin)
    output, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, sys.stdout)
    exabgp = ExaBgp(output)
    helper = Helper(exabgp)
    await _wait_for_place(path)
    server = await asyncio.start_unix_server(helper.serve, sock=_listener(path))
    refreshing = loop.create_task(helper.refresh())
    try:
        await listen(from_exabgp, exabgp)
    finally:
        refreshing.cancel()
        Path(path).unlink(missing_ok=True)  # before the next helper can think that nobody serves, and make its own
        server.close()


def _listener(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), 0o600)  # before it has a name: nobody else can connect, not even for a moment
        listener.bind(path)
    except BaseException:
        listener.close()
        raise
    return listener


async def _wait_for_place(path: str) -> None:
    """Wait until no helper answers at the socket; then remove what one left behind. Raises OSError where something
    else is there.
    """
    until = asyncio.get_running_loop().time() + TAKEOVER
    while True:
        try:
            _, writer = await asyncio.open_unix_connection(path)
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            if not Path(path).is_socket():
                raise FileExistsError(f"{path} is no socket: remove it, or name another place") from None
            Path(path).unlink(missing_ok=True)
            return
        writer.close()
        if asyncio.get_running_loop().time() > until:
            raise FileExistsError(f"another helper serves at {path}")
        await asyncio.sleep(0.1)
