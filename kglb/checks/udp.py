"""The check of a UDP port: a payload, and the answer to it, or at least no ICMP error."""

from collections.abc import Callable

from kglb.checks.datagram import DatagramProbe
from kglb.checks.dial import Dialer
from kglb.checks.match import Expectation, shown
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.model.check import UdpCheck
from kglb.model.endpoint import Endpoint


class UdpProbe(DatagramProbe):
    """Passes when the expected datagram comes back.

    With nothing expected it passes with any answer, and when neither answer nor ICMP error came within the
    timeout (as keepalived's UDP_CHECK without ``require_reply``).
    """

    __slots__ = ("_expected", "_message")

    def __init__(
        self,
        check: UdpCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
    ) -> None:
        super().__init__(target, dialer, timeout=check.timeout, answered=answered)
        self._message = check.send
        self._expected = Expectation(check.expect, check.expect_regex)

    def message(self) -> bytes:
        """The payload."""
        return self._message

    def hear(self, datagram: bytes) -> Verdict:
        """Compare the answer with the expected one."""
        if not self._expected or self._expected.met_by(datagram):
            return OK
        return Verdict("failure", "unexpected answer", shown(datagram))

    def overdue(self) -> Verdict:
        """Silence fails where an answer is expected."""
        return super().overdue() if self._expected else OK
