"""The loop hears that an address has left the machine. (That it is the kernel who says so is in tests/kernel.)"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kglb.dataplane.address_news import AddressNews

RTM_NEWADDR, RTM_DELADDR = 20, 21


class Kernel:
    """The other end of the news' socket."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def says(self, *kinds: int) -> None:
        self._end.send(b"".join(struct.pack("=IHHII", 24, kind, 0, 0, 0) + bytes(8) for kind in kinds))

    def says_nonsense(self) -> None:
        self._end.send(b"\x07")


@asynccontextmanager
async def listening(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Kernel, list[None]]]:
    theirs, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    monkeypatch.setattr(socket.socket, "bind", lambda *_: None)
    with monkeypatch.context() as patched:
        patched.setattr("kglb.dataplane.address_news.socket.socket", lambda *_: ours)
        news = AddressNews(asyncio.get_running_loop())
    told: list[None] = []
    news.on_loss(lambda: told.append(None))
    try:
        yield Kernel(theirs), told
    finally:
        news.close()
        theirs.close()


def test_losses_that_come_together_are_told_once_and_arrivals_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with listening(monkeypatch) as (kernel, told):
            kernel.says(RTM_NEWADDR)
            kernel.says_nonsense()
            await asyncio.sleep(0.01)
            assert not told
            kernel.says(RTM_NEWADDR, RTM_DELADDR)
            kernel.says(RTM_DELADDR)
            await asyncio.sleep(0.01)
            assert len(told) == 1

    asyncio.run(main())
