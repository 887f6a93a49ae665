"""Makes a long text in slices, so that the loop goes on between them, and bounds what a flood can cost."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

from kglb.web.packed import Packed, Packer

SLICE = 0.001
"""Seconds of work between two turns of the loop."""

REST = 9.0
"""A text is served again for so many times the work it took: however many ask, it is a tenth of the loop."""


class SlicedText:
    """The text of ``parts``, made for one request at a time. ``prepare`` comes before each new text.

    ``batch`` parts are made between two looks at the clock: together they should take less than 0.2 ms.
    """

    def __init__(
        self,
        parts: Callable[[], Iterable[str]],
        clock: Callable[[], float] = time.perf_counter,
        prepare: Callable[[], Awaitable[None]] | None = None,
        *,
        batch: int = 100,
    ) -> None:
        self._parts = parts
        self._batch = batch
        self._prepare = prepare
        self._clock = clock
        self._turn = asyncio.Lock()
        self._text: Packed | None = None
        self._fresh_until = float("-inf")

    async def text(self) -> Packed:
        """The text, as old as REST allows."""
        async with self._turn:
            if self._text is None or self._clock() >= self._fresh_until:
                if self._prepare is not None:
                    await self._prepare()
                self._text, seconds = await self._make()
                self._fresh_until = self._clock() + REST * seconds
                asyncio.get_running_loop().call_later(REST * seconds, self._drop)
            return self._text

    def _drop(self) -> None:
        """Keep no text that is too old to be served again."""
        self._text, self._fresh_until = None, float("-inf")

    async def _make(self) -> tuple[Packed, float]:
        """The text, and the seconds of work in it."""
        began, spent = self._clock(), 0.0
        packer = Packer()
        source = iter(self._parts())
        while part := "".join(islice(source, self._batch)):
            packer.add(part)
            if (worked := self._clock() - began) >= SLICE:
                spent += worked
                await asyncio.sleep(0)
                began = self._clock()
        return packer.packed(), spent + self._clock() - began
