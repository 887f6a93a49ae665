"""What the ExaBGP helper hears from the daemon and, behind a line of ``%%``, from ExaBGP.

Each request has one answer, and to ExaBGP goes one line of text a command: nothing of a route is a second command.
"""

import asyncio

from fuzz.loops import run
from kglb.dataplane.exabgp_helper import ExaBgp, Helper, listen
from kglb.dataplane.exabgp_messages import decode_answer

SEPARATOR = b"%%\n"


class _Pipe(asyncio.WriteTransport):
    """ExaBGP's standard input: takes commands, and acknowledges each at once."""

    def __init__(self) -> None:
        self.exabgp: ExaBgp

    def write(self, data: bytes | bytearray | memoryview) -> None:
        command = bytes(data).decode()
        assert command.endswith("\n")
        assert command[:-1].isprintable(), command
        asyncio.get_running_loop().call_soon(self.exabgp.heard, "done")


class _Daemon:
    """The daemon's end of the socket: hears answers."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.answers.append(data)

    async def drain(self) -> None:
        pass

    def close(self) -> None:
        pass


def one_input(data: bytes) -> None:
    """Serve one connection of the daemon while ExaBGP speaks."""
    requests, _, lines = data.partition(SEPARATOR)
    run(_serve(requests, lines))


async def _serve(requests: bytes, lines: bytes) -> None:
    pipe, daemon = _Pipe(), _Daemon()
    pipe.exabgp = ExaBgp(pipe, timeout=1.0)
    await listen(_fed(lines), pipe.exabgp)
    await Helper(pipe.exabgp).serve(_fed(requests), daemon)  # type: ignore[arg-type]  # as much of one as is used
    for answer in daemon.answers:
        decode_answer(answer)


def _fed(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader
