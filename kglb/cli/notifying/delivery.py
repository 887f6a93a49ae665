"""Delivers notices in order, and keeps the place up to which the receiver has accepted them.

One attempt at a time, without end, at a pace that the target can bear. Only what is being told is in memory.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from kglb.cli.notifying.backoff import pause
from kglb.cli.notifying.standing import Standing
from kglb.cli.notifying.target import Reply, Target
from kglb.replay.news import Step
from kglb.replay.notices import Notice
from kglb.replay.place import Place
from kglb.replay.words import plural

POLL: Final = 0.1
"""Seconds between two looks for more."""

KEEP_EVERY: Final = 5.0
"""Seconds after which the place is kept though there was nothing to tell; it costs a sync of the disk."""

_TURN: Final = 64
"""Records that are read between two turns of the loop, so that a signal is heard soon."""


class Delivery:
    """To one target, ``batch`` notices at a time at most; ``keep`` keeps a place, ``say`` is for the operator,
    ``standing`` is brought up to date.
    """

    def __init__(
        self,
        target: Target,
        standing: Standing,
        keep: Callable[[Place], None],
        say: Callable[[str], None],
        *,
        batch: int = 1,
    ) -> None:
        self._target = target
        self._standing = standing
        self._keep = keep
        self._say = say
        self._batch = batch
        self._waiting: list[Notice] = []
        self._read: Place | None = None
        self._kept = standing.place
        self._kept_at = time.monotonic()

    async def run(self, steps: Iterable[Step | None]) -> None:
        """Take each step; in the end, however that comes, the place is kept."""
        try:
            for number, step in enumerate(steps):
                looked = time.time()
                if step is not None:
                    self._take(step)
                if step is None or len(self._waiting) >= self._batch:
                    await self._tell_waiting()
                if step is None:
                    self._standing.caught_up = looked
                if step is None or number % _TURN == 0:
                    self._keep_settled(every=KEEP_EVERY)
                    await asyncio.sleep(POLL if step is None else 0)
        finally:
            self._keep_settled()

    def _take(self, step: Step) -> None:
        self._read = step.place
        if step.notice is not None:
            self._waiting.append(step.notice)
        elif not self._waiting:
            self._standing.place = step.place

    async def _tell_waiting(self) -> None:
        if self._waiting:
            await self._tell(self._waiting)
            self._waiting = []
            self._standing.place = self._read
            self._keep_settled()

    def _keep_settled(self, every: float = 0.0) -> None:
        now, place = time.monotonic(), self._standing.place
        if place is not None and place != self._kept and now - self._kept_at >= every:
            self._kept, self._kept_at = place, now
            self._keep(place)

    async def _tell(self, notices: Sequence[Notice]) -> None:
        reply = await self._until_answered(notices)
        if reply.verdict == "taken":
            self._standing.taken += len(notices)
            return
        if len(notices) == 1:
            self._standing.passed_over += 1
            self._say(f"record {notices[0].seq} is passed over: {self._target.name} refuses it: {reply.reason}")
            return
        for notice in notices:  # the others are not to suffer for one of them
            await self._tell([notice])

    async def _until_answered(self, notices: Sequence[Notice]) -> Reply:
        said, attempts = "", 0
        while (reply := await self._target.tell(notices)).verdict == "later":
            self._standing.failed_attempts += 1
            if reply.reason != said:
                said = reply.reason
                which = plural(len(notices), "notice")
                self._say(f"{self._target.name} has not taken {which} from record {notices[0].seq} on: {said}")
            await asyncio.sleep(pause(attempts, reply.wait, random.random()))  # noqa: S311 - it spreads, and hides nothing
            attempts += 1
        if said and reply.verdict == "taken":
            self._say(f"{self._target.name} takes notices again, from record {notices[0].seq} on")
        return reply
