"""The port from the delivery to a receiver."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from kglb.replay.notices import Notice


class Reply(NamedTuple):
    """What came of telling: ``taken``, ``refused`` (it never takes this), or ``later`` (ask again).

    ``reason`` is for people and has no secrets; ``wait`` are the seconds that the target asks for.
    """

    verdict: Literal["taken", "refused", "later"]
    reason: str = ""
    wait: float = 0.0


TAKEN = Reply("taken")


class Target(Protocol):
    """Somebody to tell."""

    name: str
    """What people may read of it."""

    async def tell(self, notices: Sequence[Notice]) -> Reply:
        """Tell it once. Ends in its time, and raises nothing."""

    async def close(self) -> None:
        """Give back what it holds."""
