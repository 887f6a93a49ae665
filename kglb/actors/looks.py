"""Reads the machine when there is news that something may have changed: once for any number of news."""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from kglb.actors.runtime import LoopActor


class Looks:
    """Looks once for all news of a ``pause`` (seconds), and not again before that look is over and another pause.

    It lives in the tasks of its ``owner``, which is told ``LookNow``.
    """

    def __init__(self, owner: LoopActor, pause: float, look: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._owner = owner
        self._pause = pause
        self._look = look
        self._news = self._looking = False

    def soon(self) -> None:
        """There is news."""
        self._news = True
        if not self._looking:
            self._looking = True
            self._owner.after(self._pause, LookNow(self))

    def begin(self) -> None:
        """Look now, and soon again if there is news meanwhile."""
        self._owner.spawn(self._look_once())

    async def _look_once(self) -> None:
        self._news = False
        await self._look()
        self._looking = False
        if self._news:
            self.soon()


class LookNow(NamedTuple):
    """Told to the owner: the pause is over, these looks are to begin."""

    looks: Looks
