"""What checkers ask of prober and vigil, or of simulated ones in their place."""

from typing import Protocol

from kglb.checks.probe import Probe
from kglb.checks.vigil import IdleConnection


class ProberPort(Protocol):
    """Makes each probe when it is due, and tells its ``answered``."""

    def schedule(self, probe: Probe, due: float) -> None:
        """Make the probe once, at this loop time; at once when it has passed. Not twice at a time."""
        ...

    def cancel(self, probe: Probe) -> None:
        """Forget what was scheduled for the probe, also when it is under way: it reports nothing any more."""
        ...

    def holds(self, probe: Probe) -> bool:
        """Whether the probe waits for its time, its turn or its answer: whether it will report."""
        ...

    async def close(self) -> None:
        """Cancel everything, for good."""
        ...


class VigilPort(Protocol):
    """Holds idle connections, and tells the ``lost`` of each when it ends. Never calls it from within these."""

    def hold(self, idle: IdleConnection) -> None:
        """A probe of the real has passed: hold the connection, open or renew it, as far as past losses allow."""
        ...

    def release(self, idle: IdleConnection) -> None:
        """Hold the connection no more and forget past losses; nothing is told of it."""
        ...

    async def close(self) -> None:
        """Release all, for good."""
        ...
