"""The check that always passes (KgLb's dummy checker). No socket, no system call."""

from kglb.checks.outcome import OK, Verdict
from kglb.checks.probe import Probe


class DummyProbe(Probe):
    """Passes when it is due."""

    __slots__ = ()

    def begin(self) -> Verdict:
        """Pass."""
        return OK
