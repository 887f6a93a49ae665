"""What checkers ask of whatever makes their probes: the batched prober, or a simulated one in its place."""

from typing import Protocol

from kglb.checks.probe import Probe


class ProberPort(Protocol):
    """Makes each probe when it is due, and tells its ``answered``."""

    def schedule(self, probe: Probe, due: float) -> None:
        """Make the probe once, at this loop time; at once when it has passed. Not twice at a time."""
        ...

    def cancel(self, probe: Probe) -> None:
        """Forget what was scheduled for the probe, also when it is under way: it reports nothing any more."""
        ...

    async def close(self) -> None:
        """Cancel everything, for good."""
        ...
