"""The probe: one question to one real, asked again and again. The prober drives it; one module per kind
says the rest.

A probe owns its socket and its part of the conversation. It never waits, never reads a clock, and knows
neither its schedule nor its real's health.
"""

import errno
from collections.abc import Callable
from select import POLLERR, POLLHUP, POLLOUT
from socket import SO_ERROR, SOL_SOCKET, SocketType
from typing import ClassVar, Final

from kglb.checks.dial import Dialer, verdict_of
from kglb.checks.gate import Gate
from kglb.checks.outcome import Outcome, Verdict
from kglb.checks.stream import Stream
from kglb.model.endpoint import Endpoint

CONNECT: Final = "connect"
ANSWER: Final = "answer"

REDIAL: Final = Verdict("unknown", "redial")
"""Not a verdict yet: the conversation goes on over another connection, see ``Probe.redial``."""

_CUT_OFF: Final = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN})
"""Errnos that prove the connection was accepted: Linux answers a reset of a SYN with ECONNREFUSED."""


class Probe:
    """One question to one real. Made once, reused for every interval; all but ``answered`` belongs to the
    prober.

    ``timeout`` is in seconds from the actual connect. At its ``gate``, if it is given one, it waits for its turn.
    ``ticket`` is 0 while idle and changes with
    everything the probe waits for, so whatever was filed under an older ticket is void.
    """

    __slots__ = (
        "admitted",
        "answered",
        "due",
        "fd",
        "gate",
        "interest",
        "phase",
        "sock",
        "started",
        "ticket",
        "timeout",
    )

    def __init__(self, *, timeout: float, answered: Callable[[Outcome], None]) -> None:
        self.answered = answered
        self.timeout = timeout
        self.gate: Gate[Probe] | None = None
        self.admitted = False
        self.ticket = 0
        self.due = self.started = 0.0
        self.sock: SocketType | None = None
        self.fd = -1
        self.interest = 0
        self.phase = ""

    def begin(self) -> Verdict | None:
        """Begin a conversation: a verdict at once, or None with ``sock`` open and ``interest`` set.

        Raises OSError when it could not begin, with nothing left open.
        """
        raise NotImplementedError

    def step(self, events: int) -> Verdict | None:
        """Go on after ``poll`` events on the socket: a verdict, REDIAL, or None with ``interest`` saying what to
        wait for.

        Raises BlockingIOError when there was nothing to do after all, another OSError when the connection
        failed.
        """
        raise NotImplementedError

    def redial(self) -> Verdict | None:
        """Close the socket and begin the next connection of the same conversation: as ``begin``."""
        raise NotImplementedError

    def overdue(self) -> Verdict:
        """What it says of the real that its timeout has passed."""
        return Verdict("failure", f"timeout during {self.phase}")

    def end(self) -> None:
        """Close the socket and forget the conversation."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None


class ConnectingProbe(Probe):
    """A probe that opens a TCP connection first. What follows is up to ``converse``.

    ``stream`` is what the conversation goes over: the socket, unless the kind puts something over it.
    """

    __slots__ = ("dialer", "stream", "target")

    first_phase: ClassVar[str]
    """What the conversation is in once connected, as in "timeout during answer"."""

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
        self.stream: Stream | None = None

    def begin(self) -> None:
        """Dial the target. Raises OSError for what fails at once."""
        self.sock = self.stream = self.dialer.dial(self.target)
        self.phase = CONNECT
        self.interest = POLLOUT

    def step(self, events: int) -> Verdict | None:
        """Find out how the connect went, then converse."""
        assert self.sock is not None
        if self.phase == CONNECT:
            error = self.sock.getsockopt(SOL_SOCKET, SO_ERROR) if events & (POLLERR | POLLHUP) else 0
            if error and error not in _CUT_OFF:
                return verdict_of(error)
            self.phase = self.first_phase
            if error:
                return self.cut_off("reset")
        try:
            return self.converse()
        except OSError as error:
            if error.errno in _CUT_OFF:
                return self.cut_off("reset")
            raise

    def end(self) -> None:
        """Hang up and forget the conversation."""
        self.stream = None
        if self.sock is not None and self.phase != CONNECT:
            self.dialer.hang_up(self.sock)
            self.sock = None
        else:
            super().end()

    def cut_off(self, how: str) -> Verdict:
        """What it says that the server closed an accepted connection; ``how`` tells a reset from a plain end.

        Both have the same reason: which of them we see depends on how soon we look.
        """
        return Verdict("failure", f"closed during {self.phase}", how)

    def converse(self) -> Verdict | None:
        """Go on over the established connection; as ``step``."""
        raise NotImplementedError
