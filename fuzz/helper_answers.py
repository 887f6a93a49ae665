"""What the daemon hears from the ExaBGP helper: routes, or an OSError; a change fails with a reason or took place."""

import asyncio
from contextlib import suppress
from functools import cache

from fuzz.loops import run
from fuzz.scratch import scratch_directory
from kglb.dataplane.exabgp import ExaBgpRoutes
from kglb.dataplane.port import Failure
from kglb.model import AnnounceRoute, Route

_PATH = str(scratch_directory("helper") / "exabgp.sock")
_said = b""


@cache
def _helper() -> asyncio.Server:
    return run(asyncio.start_unix_server(_serve, _PATH))


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hear one request, say the input, and leave."""
    with suppress(OSError):
        await reader.readline()
        writer.write(_said)
        await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def one_input(data: bytes) -> None:
    """Ask for the routes, and announce one."""
    global _said  # noqa: PLW0603 - what the one helper says
    _helper()
    _said = data
    run(_ask())


async def _ask() -> None:
    routes = ExaBgpRoutes(_PATH, timeout=1.0)
    try:
        with suppress(OSError):
            assert all(isinstance(route, Route) for route in await routes.announced())
        outcome = await routes.perform(AnnounceRoute(Route(prefix="192.0.2.10/32")))
        assert outcome is None or isinstance(outcome, Failure)
    finally:
        await routes.close()
        await asyncio.sleep(0)
