"""Watches, from outside, the weights that the kernel has for a service's reals, and notes when each changes.

It reads /proc/net/ip_vs, each time it is told to look, and knows nothing of the product.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from lab import ipvs
from lab.namespaces import in_namespace


@dataclass(frozen=True)
class Change:
    """At ``at`` (monotonic seconds) a real was first seen with another weight."""

    at: float
    real: str
    before: int
    weight: int


class KernelWeights:
    """The weights of a service in a namespace. ``names`` has each real's name, by its address and port.

    ``now`` has a weight for each name, 0 for a real that is not there; ``changes`` are in the order seen.
    """

    def __init__(self, namespace: str, service: str, names: Mapping[str, str]) -> None:
        self._namespace = namespace
        self._service = service
        self._names = names
        self.now = dict.fromkeys(names.values(), 0)
        self.changes: list[Change] = []

    def look(self) -> None:
        """Read the kernel once."""
        seen = self._table().get(self._service, {})
        at = time.monotonic()
        for real, name in self._names.items():
            weight = seen[real].weight if real in seen else 0
            if weight != self.now[name]:
                self.changes.append(Change(at, name, self.now[name], weight))
                self.now[name] = weight

    def _table(self) -> dict[str, dict[str, ipvs.Counts]]:
        with in_namespace(self._namespace):
            try:
                return ipvs.table()
            except FileNotFoundError:  # no ip_vs in this namespace yet
                return {}

    def since(self, moment: float) -> list[Change]:
        """The changes seen at this moment (monotonic seconds) or later."""
        return [change for change in self.changes if change.at >= moment]

    def reached(self, name: str, weight: int, since: float) -> float:
        """When the real was first seen with this weight, at ``since`` or later; raises ValueError if it was not."""
        for change in self.since(since):
            if (change.real, change.weight) == (name, weight):
                return change.at
        raise ValueError(f"{name} has not had weight {weight}")
