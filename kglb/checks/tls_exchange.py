"""The check of a TCP port that speaks TLS: that hands are shaken, and that a short exchange goes as expected."""

from collections.abc import Callable

from kglb.checks.dial import Dialer
from kglb.checks.outcome import Outcome, Verdict
from kglb.checks.secured import SecuredProbe, Security
from kglb.checks.stream import TlsStream
from kglb.checks.tcp import TcpExchangeProbe
from kglb.model.check import TcpCheck
from kglb.model.endpoint import Endpoint


class TlsExchangeProbe(SecuredProbe, TcpExchangeProbe):
    """A ``TcpExchangeProbe`` that shakes hands first; with nothing to send and nothing expected that is all."""

    __slots__ = ("security",)

    def __init__(
        self,
        check: TcpCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
    ) -> None:
        """Raises ValueError as ``TcpExchangeProbe``, OSError as ``Security``."""
        super().__init__(check, target, dialer, answered=answered)
        self.security = Security(check, check.sni or (target.address if check.verify else None))

    def say(self) -> Verdict | None:
        """Send what is left of the message; if there is none, the last words of the handshake: a server may wait for
        them before it greets.
        """
        assert isinstance(self.stream, TlsStream)
        if not self._unsent:
            self.stream.flush()
        verdict = super().say()
        # What it said in one breath with the handshake is no news on the socket.
        return self.hear() if verdict is None and self.stream.has_unread else verdict
