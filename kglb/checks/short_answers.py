"""Sockets for dnspython that hand over short DNS messages only: it reads all records of a message at once, on the loop.

4096 bytes hold 250 addresses, and take 50 ms at worst; 64 KiB of names that refer to one another take over a second.
"""

from typing import Any, Final

from dns.asyncbackend import get_backend

LONGEST: Final = 4096
"""Bytes of a message."""


class ShortAnswers:
    """dnspython's backend on asyncio, whose sockets let no longer message through."""

    def __init__(self) -> None:
        self._asyncio: Any = get_backend("asyncio")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._asyncio, name)

    async def make_socket(self, *asked: Any, **options: Any) -> "_ShortMessages":
        """A socket as dnspython asks for it."""
        return _ShortMessages(await self._asyncio.make_socket(*asked, **options))


class _ShortMessages:
    def __init__(self, made: Any) -> None:
        self._made = made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)

    async def __aenter__(self) -> "_ShortMessages":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._made.close()

    async def recvfrom(self, size: int, timeout: float | None) -> tuple[bytes, Any]:
        """A datagram and its sender. One that is too long comes empty, and dnspython waits on as after a forged one."""
        datagram, sender = await self._made.recvfrom(size, timeout)
        return datagram if len(datagram) <= LONGEST else b"", sender

    async def recv(self, size: int, timeout: float | None) -> bytes:
        """What has come of so many bytes, which are a whole message's. Raises OSError where that is too long."""
        if size > LONGEST:
            raise OSError(f"an answer of {size} bytes, and {LONGEST} are read at most")
        received: bytes = await self._made.recv(size, timeout)
        return received
