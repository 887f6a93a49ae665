"""The checks of a TCP port: that a connection is accepted, and that a short exchange over it goes as expected."""

from collections.abc import Callable
from select import POLLIN, POLLOUT
from typing import Final

from kglb.checks.dial import Dialer
from kglb.checks.match import HEARD_LIMIT, Expectation, shown
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.checks.probe import ANSWER, ConnectingProbe
from kglb.model.check import TcpCheck
from kglb.model.endpoint import Endpoint

_CHUNK: Final = 16 * 1024
_MOST_SEARCHED: Final = 64 * HEARD_LIMIT
"""Bytes in which a probe searches while an answer grows: one that comes in crumbs is searched again at its end only."""


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


class TcpExchangeProbe(ConnectingProbe):
    """Sends what is to be sent, and passes when what is expected has come back.

    A wrong answer has one reason, whether the server then closes, goes on, or waits for our timeout.
    """

    __slots__ = ("_expected", "_heard", "_message", "_searched", "_unsent")

    first_phase = ANSWER

    def __init__(
        self,
        check: TcpCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
    ) -> None:
        super().__init__(target, dialer, timeout=check.timeout, answered=answered)
        self._message = check.send
        self._expected = Expectation(check.expect, check.expect_regex)
        self._unsent: bytes | None = None  # nothing is left to say
        self._heard = b""
        self._searched = 0

    def begin(self) -> None:
        """Dial the target, with the whole message yet to send."""
        super().begin()
        self._unsent = self._message
        self._heard = b""
        self._searched = 0

    def converse(self) -> Verdict | None:
        """Send what is left of the message, then read until the answer can be judged."""
        return self.hear() if self._unsent is None else self.say()

    def say(self) -> Verdict | None:
        """Send what is left of the message: as ``converse``."""
        assert self.stream is not None
        if self._unsent:
            self._unsent = self._unsent[self.stream.send(self._unsent) :]
        if self._unsent:
            self.interest = POLLOUT
            return None
        self._unsent = None
        self.interest = POLLIN
        return None if self._expected else OK

    def hear(self) -> Verdict | None:
        """Read what has come of the answer: as ``converse``."""
        assert self.stream is not None
        chunk = self.stream.recv(_CHUNK)
        if not chunk:
            return self.cut_off(f"after {len(self._heard)} bytes")
        self._heard += chunk
        if len(self._heard) >= HEARD_LIMIT:
            return self._judged()
        self._searched += len(self._heard)
        return OK if self._searched <= _MOST_SEARCHED and self._expected.met_by(self._heard) else None

    def cut_off(self, how: str) -> Verdict:
        """Judge what has come: there will be no more."""
        return self._judged() if self._heard else super().cut_off(how)

    def overdue(self) -> Verdict:
        """Judge what has come in time."""
        return self._judged() if self._heard else super().overdue()

    def _judged(self) -> Verdict:
        if self._expected.met_by(self._heard):
            return OK
        return Verdict("failure", "unexpected answer", shown(self._heard))
