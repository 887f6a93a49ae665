"""What a fault is: something that goes wrong in a world, and perhaps a way to end it. And the register of them."""

from collections.abc import Callable
from random import Random

from sim.world import World

Over = Callable[[], None]
Fault = Callable[[World, Random], Over | None]


class Faults(dict[str, Fault]):
    """Faults by their kind."""

    def kind(self, kind: str) -> Callable[[Fault], Fault]:
        """Register a fault."""

        def register(function: Fault) -> Fault:
            self[kind] = function
            return function

        return register
