"""Tells a program: started for each notice or batch, with the document on standard input, its main fields in variables.

Exit status 0 means that it accepts the notice. It runs in a process group of its own, which is killed when its time is
over. What it prints goes to our standard error.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from signal import SIGKILL
from subprocess import Popen, TimeoutExpired
from typing import Final

from kglb.cli.notifying.payload import Encode
from kglb.cli.notifying.target import TAKEN, Reply
from kglb.replay.notices import Notice

REFUSES: Final = os.EX_DATAERR
"""The exit status (sysexits.h) of a program that is never going to take this."""

_TO_DIE: Final = 1.0
_LONGEST: Final = 1000  # of a variable; the document has it all


class Program:
    """A command; ``timeout`` in seconds."""

    def __init__(self, command: Sequence[str], encode: Encode, *, timeout: float) -> None:
        self.name = command[0]
        self._command = command
        self._encode = encode
        self._timeout = timeout

    async def tell(self, notices: Sequence[Notice]) -> Reply:
        """Run it once."""
        try:
            process = self._start(notices)
        except OSError as error:
            return Reply("later", f"it cannot be run: {error.strerror or error}")
        try:
            async with asyncio.timeout(self._timeout):
                await _has_ended(process.pid)
        except TimeoutError:
            return Reply("later", f"it did not end within {self._timeout:g} s and was killed")
        finally:
            _kill(process)
        return _reply_of(process.returncode)

    async def close(self) -> None:
        """Nothing is held between two runs."""

    def _start(self, notices: Sequence[Notice]) -> Popen[bytes]:
        """Start it. The document is a file in memory: nobody has to wait until it has been read."""
        with open(os.memfd_create("notice"), "w+b") as document:
            document.write(self._encode(notices))
            document.seek(0)
            return Popen(  # noqa: S603 - what the operator named
                self._command,
                stdin=document,
                stdout=sys.stderr,
                env=os.environ | variables(notices),
                start_new_session=True,
            )


def variables(notices: Sequence[Notice]) -> dict[str, str]:
    """The environment that says the newest notice in short, and how many there are."""
    newest = notices[-1]
    said = {
        "KGLB_HOST": newest.host,
        "KGLB_SEQ": str(newest.seq),
        "KGLB_AT": newest.at,
        "KGLB_TYPE": newest.type,
        "KGLB_TONE": newest.tone,
        "KGLB_BALANCER": newest.balancer or "",
        "KGLB_SERVICE": newest.service or "",
        "KGLB_REAL": newest.real or "",
        "KGLB_TEXT": newest.text,
        "KGLB_COUNT": str(len(notices)),
    }
    return {name: value[:_LONGEST] for name, value in said.items()}


async def _has_ended(pid: int) -> None:
    """Return once a child has ended; it is still to be reaped."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    pidfd = os.pidfd_open(pid)
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def _kill(process: Popen[bytes]) -> None:
    """Reap it; if it still runs, kill its group first, whose id is nobody else's until then."""
    if process.poll() is None:
        os.killpg(process.pid, SIGKILL)
        with suppress(TimeoutExpired):
            process.wait(_TO_DIE)


def _reply_of(status: int | None) -> Reply:
    if status == 0:
        return TAKEN
    if status is not None and status < 0:
        return Reply("later", f"it was killed by signal {-status}")
    return Reply("refused" if status == REFUSES else "later", f"exit status {status}")
