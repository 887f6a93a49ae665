"""What the actors share: the loop's clock, the prober, the recorder, the machine and the resolver, all replaceable."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from kglb.actors.recorder import Recorder
from kglb.actors.runtime import Scheduler
from kglb.checks import ProberPort
from kglb.dataplane import DataPlane, WorkerPort
from kglb.model import SecretRef

Resolve = Callable[[str, bool], Awaitable[str]]
"""Resolve a name to one address, IPv6 if so asked; raises OSError with a sentence that says why not."""


@dataclass(slots=True)
class Parts:
    """One per daemon. ``random`` is the only source of randomness, ``now`` (seconds, monotonic) the only clock."""

    scheduler: Scheduler
    recorder: Recorder
    prober: ProberPort
    machine: DataPlane
    worker: WorkerPort
    resolve: Resolve
    random: random.Random = field(default_factory=random.Random)
    secrets: Mapping[SecretRef, str] = field(default_factory=dict)
    unknowns: Counter[str] = field(default_factory=Counter)
    restarts: Counter[str] = field(default_factory=Counter)

    def now(self) -> float:
        """The loop's time in seconds."""
        return self.scheduler.loop.time()

    def unknown(self, reason: str) -> None:
        """Count a probe that said nothing about its real."""
        self.unknowns[reason] += 1
