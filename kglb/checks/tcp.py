"""The check that passes when a connection is accepted. Sends nothing, reads nothing."""

from kglb.checks.outcome import OK, Verdict
from kglb.checks.probe import ConnectingProbe


class TcpProbe(ConnectingProbe):
    """Passes when the handshake completes, whatever the server does afterwards."""

    __slots__ = ()

    first_phase = "connected"

    def converse(self) -> Verdict:
        """Pass: the connection is established."""
        return OK

    def cut_off(self, how: str) -> Verdict:  # noqa: ARG002
        """Pass: it was accepted. How soon we look must not change the verdict."""
        return OK
