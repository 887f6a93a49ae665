"""The syslog check, over UDP and TCP: a probe message, which a daemon never answers (RFC 5424, 6587).

So it passes when the message was taken: over TCP by the connection, over UDP when no ICMP error came back.
"""

import os
import socket
from collections.abc import Callable
from typing import Final, get_args

from kglb.checks.datagram import DatagramProbe
from kglb.checks.dial import Dialer
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.checks.probe import ConnectingProbe
from kglb.model.check import SyslogCheck, SyslogLevel
from kglb.model.endpoint import Endpoint

TAG: Final = "SyslogHealthChecker"
"""The application's name in the message, as KgLb's."""

_USER: Final = 1  # the facility of random user-level messages


def syslog_message(level: SyslogLevel) -> bytes:
    """A probe message in the format of RFC 5424, 6, without a time: the daemon knows when it came.

    The newline ends it on TCP (RFC 6587, 3.4.2), and is there on UDP too, as in KgLb.
    """
    priority = _USER * 8 + get_args(SyslogLevel).index(level)
    host = socket.gethostname() or "-"
    return f"<{priority}>1 - {host} {TAG} {os.getpid()} - - probe message.\n".encode()


class SyslogUdpProbe(DatagramProbe):
    """Passes when no ICMP error came within the timeout."""

    __slots__ = ("_message",)

    def __init__(
        self,
        check: SyslogCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
    ) -> None:
        super().__init__(target, dialer, timeout=check.timeout, answered=answered)
        self._message = syslog_message(check.level)

    def message(self) -> bytes:
        """The probe message."""
        return self._message

    def hear(self, datagram: bytes) -> None:
        """Wait on: syslog has no answers."""

    def overdue(self) -> Verdict:
        """Pass: the time in which an ICMP error could come is over."""
        return OK


class SyslogTcpProbe(ConnectingProbe):
    """Passes when the message was sent."""

    __slots__ = ("_message", "_unsent")

    first_phase = "message"

    def __init__(
        self,
        check: SyslogCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
    ) -> None:
        """The connection always closes in order: a reset could overtake the message."""
        orderly = Dialer(dialer.source, dialer.mark, fin=True)
        super().__init__(target, orderly, timeout=check.timeout, answered=answered)
        self._message = syslog_message(check.level)
        self._unsent = b""

    def begin(self) -> None:
        """Dial the target, with the whole message yet to send."""
        super().begin()
        self._unsent = self._message

    def converse(self) -> Verdict | None:
        """Send what is left of the message."""
        assert self.sock is not None
        self._unsent = self._unsent[self.sock.send(self._unsent) :]
        return None if self._unsent else OK
