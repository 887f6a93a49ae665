"""The real servers: what is the case with each, and so what a probe of it meets. The truth that the daemon guesses at.

Names and files of targets are here too: which addresses each has now, and whether it can be asked for.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from kglb.checks.outcome import Verdict
from kglb.config.targets import Stamp, Targets
from kglb.model import Endpoint, Member
from sim.balancers import port_in
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
    """Where each name leads now, and what each file of targets lists; ``failing`` ones cannot be asked for.

    ``ever`` are the addresses that each file, or name of a pool, has had.
    """

    addresses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ever: dict[str, set[str]] = field(default_factory=dict)
    changes: int = 0
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

    def change(self, source: str, addresses: tuple[str, ...]) -> None:
        """The source of a pool names others from now on."""
        self.changes += 1
        self.addresses[source] = addresses
        self.ever.setdefault(source, set()).update(addresses)

    def read(self, path: str, seen: Stamp | None) -> Targets | None:
        """What a file of targets says; None if it is the one that was seen. Raises OSError."""
        addresses = self.ask(path)
        stamp = Stamp(self.changes, len(addresses), 0, 0)
        if stamp == seen:
            return None
        return Targets(stamp, tuple(Member(Endpoint(one, port_in(path)).id) for one in addresses))
