"""The real servers: what is the case with each, and so what a probe of it meets. The truth that the daemon guesses at.

Names are here too: which address each has now, and whether it can be asked for.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from kglb.checks.outcome import Verdict
from sim.crash import CRASH

Condition = Literal["up", "refuses", "hangs", "slow", "broken", "half"]

OK = Verdict("success", "ok")
REFUSED = Verdict("failure", "refused")
WRONG = Verdict("failure", "status 500")
TIMEOUT = Verdict("failure", "timeout during connect")

USUAL_WEIGHT = 10

LATENCY = 0.001
SLOW = 1.5
"""Seconds: beyond some timeouts and within others."""


@dataclass(slots=True)
class Reals:
    """All reals, by address. What is not named is up."""

    random: Random
    conditions: dict[str, Condition] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)

    def condition(self, address: str) -> Condition:
        """What is the case with a real now."""
        return self.conditions.get(address, "up")

    def weight(self, address: str) -> int:
        """What a real says that its weight is, where it is asked."""
        return self.weights.get(address, USUAL_WEIGHT)

    def meet(self, address: str, timeout: float) -> tuple[Verdict, float]:
        """What a probe begun now finds, and after how many seconds."""
        match self.conditions.get(address, "up"):
            case "up":
                return OK, LATENCY
            case "refuses":
                return REFUSED, LATENCY
            case "broken":
                return WRONG, LATENCY
            case "hangs":
                return TIMEOUT, timeout
            case "slow":
                return (OK, SLOW) if timeout > SLOW else (TIMEOUT, timeout)
            case "half":
                return (OK, LATENCY) if self.random.random() < 0.5 else (TIMEOUT, timeout)


@dataclass(slots=True)
class Names:
    """Where each name leads now; ``failing`` ones cannot be asked for, ``hanging`` ones only after a long time."""

    addresses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    delay: float = 0.002
    crashes: bool = False

    def ask(self, name: str) -> tuple[str, ...]:
        """The addresses; raises OSError, or what crashes who asks."""
        if self.crashes:
            raise RuntimeError(CRASH)
        if name in self.failing or not self.addresses.get(name):
            raise OSError(f"no A record for {name}: the name server does not answer")
        return self.addresses[name]
