"""What a client says on the control socket: an order is carried out, all else is refused with a sentence."""

import asyncio
from contextlib import suppress
from functools import cache

from fuzz.fleet import fleet
from fuzz.loops import run
from fuzz.scratch import scratch_directory
from kglb.replay.errors import AmbiguousRealError, UnknownRealError
from kglb.replay.finding import find_reals
from kglb.web.control import ControlServer
from kglb.web.orders import Answer, Done, DrainOrder, Order, Refused, RestoreOrder, WeightOrder, read_answer

_PATH = str(scratch_directory("control") / "control.sock")


class _Clerk:
    """Finds the reals that are meant, and does nothing to them."""

    async def carry_out(self, order: Order, who: str) -> Answer:
        assert who.isprintable()
        if isinstance(order, DrainOrder | RestoreOrder | WeightOrder):
            try:
                find_reals(fleet().fleet, order.real, order.balancer)
            except (UnknownRealError, AmbiguousRealError) as error:
                return Refused(why="no", problem=str(error))
        return Done(reals=(), on_disk=True)


@cache
def _server() -> ControlServer:
    server = ControlServer(_Clerk(), patience=1.0)
    run(server.start(_PATH))
    return server


def one_input(data: bytes) -> None:
    """Connect, say it, and leave."""
    _server()
    answer = run(_exchange(data))
    assert not answer or read_answer(answer)


async def _exchange(data: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(_PATH)
    with suppress(OSError):
        writer.write(data)
        writer.write_eof()
        await writer.drain()
    answer = b""
    with suppress(OSError):
        answer = await reader.read(-1)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return answer
