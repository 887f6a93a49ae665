"""The DNS check, over UDP and TCP: one query, judged by the response code of its answer.

Messages are dnspython's. Which records an answer holds makes no difference, so they are not read: the four thousand
that fit into 64 KiB would keep the loop for a second. A truncated answer is good enough.
"""

import struct
from collections.abc import Callable
from secrets import randbits
from select import POLLIN, POLLOUT

from dns.exception import DNSException
from dns.message import from_wire, make_query
from dns.rcode import Rcode, to_text

from kglb.checks.datagram import DatagramProbe
from kglb.checks.dial import Dialer
from kglb.checks.match import shown
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.checks.probe import ANSWER, ConnectingProbe
from kglb.model.check import DnsCheck
from kglb.model.endpoint import Endpoint

NO_ANSWER = "no valid answer"

_ANOTHER = Verdict("failure", NO_ANSWER, "an answer to another query")
_HEAD = struct.Struct(">HHH")  # id, flags, number of questions (RFC 1035, 4.1.1)


class Question:
    """One query, asked each time under a new id, and what its answer says."""

    __slots__ = ("_query", "_rcode", "_wire")

    def __init__(self, check: DnsCheck) -> None:
        """Raises ValueError for a name that is none."""
        try:
            self._query = make_query(check.query, check.record)
        except (DNSException, UnicodeError) as error:
            raise ValueError(f"not a domain name: {check.query}: {error}") from None
        self._wire = self._query.to_wire()
        self._rcode = Rcode.make(check.rcode)

    def asked(self) -> bytes:
        """The query's bytes under a new id (RFC 5452, 9.2: one that cannot be foreseen)."""
        self._query.id = randbits(16)
        return struct.pack(">H", self._query.id) + self._wire[2:]

    def judge(self, wire: bytes) -> Verdict:
        """What a message says of the real: ``NO_ANSWER`` is the reason when it does not answer this query."""
        if len(wire) >= _HEAD.size:
            id, _, questions = _HEAD.unpack_from(wire)
            if id != self._query.id or questions > 1:
                return _ANOTHER
        try:
            answer = from_wire(wire, question_only=True)
        except (DNSException, ValueError) as error:
            return Verdict("failure", NO_ANSWER, f"{error}: {shown(wire)}")
        if not self._query.is_response(answer):
            return _ANOTHER
        if answer.rcode() != self._rcode:
            return Verdict("failure", f"rcode {to_text(answer.rcode())}", f"expected {to_text(self._rcode)}")
        return OK


class DnsUdpProbe(DatagramProbe):
    """Asks by UDP. What does not answer the query may be forged, so it is waited on (RFC 5452, 9.1)."""

    __slots__ = ("_ignored", "_question")

    def __init__(
        self,
        check: DnsCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
    ) -> None:
        """Raises ValueError as ``Question``."""
        super().__init__(target, dialer, timeout=check.timeout, answered=answered)
        self._question = Question(check)
        self._ignored: Verdict | None = None

    def message(self) -> bytes:
        """The query."""
        self._ignored = None
        return self._question.asked()

    def hear(self, datagram: bytes) -> Verdict | None:
        """Judge the answer, if it is one."""
        verdict = self._question.judge(datagram)
        if verdict.reason != NO_ANSWER:
            return verdict
        self._ignored = verdict
        return None

    def overdue(self) -> Verdict:
        """Fail, and say why what came was not taken for the answer."""
        return self._ignored or super().overdue()


class DnsTcpProbe(ConnectingProbe):
    """Asks by TCP: messages behind their length in two bytes (RFC 1035, 4.2.2)."""

    __slots__ = ("_heard", "_question", "_unsent")

    first_phase = ANSWER

    def __init__(
        self,
        check: DnsCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
    ) -> None:
        """Raises ValueError as ``Question``."""
        super().__init__(target, dialer, timeout=check.timeout, answered=answered)
        self._question = Question(check)
        self._unsent = b""
        self._heard = b""

    def begin(self) -> None:
        """Dial the target, with the whole query yet to send."""
        super().begin()
        query = self._question.asked()
        self._unsent = struct.pack(">H", len(query)) + query
        self._heard = b""

    def converse(self) -> Verdict | None:
        """Send what is left of the query, then read its answer."""
        assert self.sock is not None
        if self._unsent:
            self._unsent = self._unsent[self.sock.send(self._unsent) :]
            self.interest = POLLOUT if self._unsent else POLLIN
            return None
        end = 2 + int.from_bytes(self._heard[:2], "big") if len(self._heard) >= 2 else 2
        chunk = self.sock.recv(end - len(self._heard))
        if not chunk:
            return self.cut_off(f"after {len(self._heard)} bytes")
        self._heard += chunk
        if len(self._heard) < 2 or len(self._heard) < 2 + int.from_bytes(self._heard[:2], "big"):
            return None
        return self._question.judge(self._heard[2:])
