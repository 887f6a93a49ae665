"""The control socket: a Unix stream socket, where who may open the file may give orders. Never TCP.

One JSON line is read, carried out and answered by one line, and the connection is closed. A client has PATIENCE for its
line and again to take the answer; beyond MAX_CONNECTIONS it is refused. Nobody holds up anybody, and nothing is logged:
what was ordered is in the journal, what was wrong with the line is answered.
"""

import asyncio
import errno
import grp
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

import msgspec

from journal import UNDECODABLE
from kglb.web.orders import Answer, Commands, Refused, read_request
from kglb.web.peer import name_of, peer_of

PATIENCE = 5.0
"""Seconds."""

MAX_CONNECTIONS = 32

LONGEST_LINE = 16 * 1024
"""Bytes of a request."""

_GRACE = 1.0
"""Seconds that those who are being answered have when the server closes."""


class ControlError(Exception):
    """The socket cannot be listened on: ``problem`` says why, ``remedy`` what helps."""

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        self.problem = f"no control socket at {path}: {reason}"
        self.remedy = remedy
        super().__init__(f"{self.problem}; try: {remedy}")


class ControlServer:
    """Has ``commands`` carry out what is ordered. ``patience`` is in seconds."""

    def __init__(self, commands: Commands, *, patience: float = PATIENCE) -> None:
        self._commands = commands
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._path = ""
        self._inode = 0

    async def start(self, path: str, group: str = "") -> None:
        """Listen; only the daemon's user may connect, and the members of ``group``. Raises ControlError."""
        listener = _listen(path, group)
        self._path, self._inode = path, os.stat(path).st_ino
        self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=LONGEST_LINE)

    async def close(self) -> None:
        """Stop listening, let those who wait for their answer have it, and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        with suppress(OSError):
            if os.stat(self._path).st_ino == self._inode:
                os.unlink(self._path)
        if self._conversations:
            await asyncio.wait(self._conversations, timeout=_GRACE)
        for conversation in list(self._conversations):
            conversation.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._conversations) >= MAX_CONNECTIONS:
            busy = Refused(why="environment", problem="too many are giving orders at once", remedy="try again")
            writer.write(_line(busy))
            writer.close()
            return
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(TimeoutError, OSError):
                answer = await self._answer(reader, writer)
                async with asyncio.timeout(self._patience):
                    writer.transport.set_write_buffer_limits(high=0)
                    writer.write(_line(answer))
                    await writer.drain()  # the kernel has all of it, and keeps it for the client
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
        try:
            async with asyncio.timeout(self._patience):
                line = await reader.readuntil(b"\n")
            request = read_request(line)
        except TimeoutError:
            return _misunderstood(f"no whole line within {self._patience:g} s")
        except asyncio.LimitOverrunError:
            return _misunderstood(f"a line of more than {LONGEST_LINE} bytes")
        except asyncio.IncompleteReadError:
            return _misunderstood("the connection ended within a line")
        except UNDECODABLE as error:
            return _misunderstood(str(error))
        who = name_of(peer_of(writer.get_extra_info("socket")).uid, request.sudo_user)
        try:
            return await self._commands.carry_out(request.order, who)
        except Exception as error:
            context = {"message": f"the order {request.order!r} failed", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return Refused(why="environment", problem=f"the order failed: {error!r}", remedy="see the daemon's log")


def _misunderstood(reason: str) -> Refused:
    problem = f"the request is not understood: {reason}"
    return Refused(why="usage", problem=problem, remedy="one JSON object on one line")


def _line(answer: Answer) -> bytes:
    return msgspec.json.encode(answer) + b"\n"


def _listen(path: str, group: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        _clear(path)
        os.fchmod(listener.fileno(), 0o600)  # before it has a name: nobody else can connect, not even for a moment
        listener.bind(path)
        if group:
            _admit(path, grp.getgrnam(group).gr_gid)
        listener.listen(MAX_CONNECTIONS)
    except KeyError:
        listener.close()
        os.unlink(path)
        raise ControlError(path, f"there is no group {group}", "name another in [control], or create it") from None
    except OSError as error:
        listener.close()
        raise ControlError(path, os.strerror(error.errno or 0) if error.errno else str(error), _remedy(error)) from None
    except ControlError:
        listener.close()
        raise
    return listener


def _clear(path: str) -> None:
    """Make the directory; remove a socket that nobody listens on any more. Raises OSError, ControlError."""
    directory = Path(path).parent
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    mode = directory.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        remedy = f"chmod o-w {directory}, or change socket in [control]"
        raise ControlError(path, f"anybody may replace what is in {directory}", remedy)
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(path, "something else is there", "remove it, or change socket in [control]")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        refusal = probe.connect_ex(path)
    if refusal != errno.ECONNREFUSED:
        raise ControlError(path, "another daemon listens there", "stop it, or change socket in [control]")
    os.unlink(path)


def _admit(path: str, group: int) -> None:
    """Let the members of a group connect to the socket, and to nothing that a link at its path leads to.

    Raises OSError, ControlError.
    """
    fd = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    try:
        found = os.fstat(fd)
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
            remedy = "see who may write to its directory, or change socket in [control]"
            raise ControlError(path, "something else was put in its place", remedy)
        opened = f"/proc/self/fd/{fd}"
        os.chown(opened, -1, group)
        os.chmod(opened, 0o660)
    finally:
        os.close(fd)


def _remedy(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "run as root, or change socket in [control]"
    return 'change socket in [control], or turn it "off"'
