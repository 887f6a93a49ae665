"""The probe that sends one datagram and judges what comes back. What both are is up to the kinds."""

from collections.abc import Callable
from select import POLLIN
from socket import SocketType
from typing import Final

from kglb.checks.dial import Dialer
from kglb.checks.outcome import Outcome, Verdict
from kglb.checks.probe import ANSWER, Probe
from kglb.model.endpoint import Endpoint

_LARGEST: Final = 64 * 1024


class DatagramProbe(Probe):
    """One datagram to a target, over a socket that hears nobody else.

    That nobody listens there, or that there is no way there, is known from ICMP errors alone.
    """

    __slots__ = ("dialer", "target")

    def __init__(
        self,
        target: Endpoint,
        dialer: Dialer,
        *,
        timeout: float,
        answered: Callable[[Outcome], None],
    ) -> None:
        super().__init__(timeout=timeout, answered=answered)
        self.target = target
        self.dialer = dialer

    def begin(self) -> Verdict | None:
        """Send the datagram. Raises OSError for what fails at once."""
        self.sock = self.dial()
        try:
            self.sock.send(self.message())
        except BaseException:
            self.end()
            raise
        self.phase = ANSWER
        self.interest = POLLIN
        return None

    def step(self, events: int) -> Verdict | None:  # noqa: ARG002
        """Take one datagram in."""
        assert self.sock is not None
        return self.hear(self.sock.recv(_LARGEST))

    def dial(self) -> SocketType:
        """The socket to send by."""
        return self.dialer.dial_udp(self.target)

    def message(self) -> bytes:
        """What is sent."""
        raise NotImplementedError

    def hear(self, datagram: bytes) -> Verdict | None:
        """What a datagram of the target says; None to wait for another."""
        raise NotImplementedError
