"""Running probes in tests: on both kinds of event loop, one question or many."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from kglb.checks.gate import Gate
from kglb.checks.make import make_probe
from kglb.checks.outcome import Outcome
from kglb.checks.probe import Probe
from kglb.checks.prober import Prober
from kglb.model import Check, Endpoint, SecretRef
from tests.patience import PATIENCE

T = TypeVar("T")


class Run:
    """Runs coroutines on fresh loops of one kind."""

    def __init__(self, factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self.factory = factory

    def __call__(self, coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=self.factory) as runner:
            return runner.run(asyncio.wait_for(coroutine, PATIENCE))


@asynccontextmanager
async def probing(**options: Any) -> AsyncIterator[Prober]:
    """A prober, closed at the end."""
    prober = Prober(clock=time.monotonic, **options)
    try:
        yield prober
    finally:
        await prober.close()


class Answers(list[Outcome]):
    """A receiver of outcomes, in order, to wait on."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def __call__(self, outcome: Outcome) -> None:
        self.append(outcome)
        self._news.set()

    async def first(self, count: int) -> list[Outcome]:
        """Wait until there are this many."""
        while len(self) < count:
            self._news.clear()
            await self._news.wait()
        return self[:count]


async def ask(
    check: Check, target: Endpoint, *, times: int = 1, secrets: Mapping[SecretRef, str] | None = None
) -> list[Outcome]:
    """As ``ask_by``, with the check's own probe."""
    return await ask_by(lambda answers: make_probe(check, target, answered=answers, secrets=secrets), times=times)


async def ask_by(make: Callable[[Answers], Probe], *, times: int = 1) -> list[Outcome]:
    """Make one probe so many times, one after the other; again where this machine was too busy to tell."""
    answers = Answers()
    probe = make(answers)
    async with probing() as prober:
        while len(answers) < times:
            prober.schedule(probe, 0.0)
            await answers.first(len(answers) + 1)
            if answers[-1].reason == "deadline noticed late":
                answers.pop()
    return answers


def lasted(found: float, seconds: float) -> bool:
    """Whether something took so many seconds: a little less where a clock is coarse, more on a busy machine."""
    return seconds - 0.01 <= found < seconds + PATIENCE / 2


def many(
    prober: Prober, check: Check, target: Endpoint, count: int, answers: Answers, gate: Gate[Probe] | None = None
) -> list[Probe]:
    """Make so many probes at once."""
    probes = [make_probe(check, target, answered=answers, gate=gate) for _ in range(count)]
    for probe in probes:
        prober.schedule(probe, 0.0)
    return probes
