"""The plain HTTP check: one request, made of bytes prepared once, and what its answer says.

It is judged by the head, and by the body where one is expected. It never keeps a connection.
"""

from collections.abc import Callable, Mapping
from select import POLLIN, POLLOUT
from typing import Final

from kglb.checks.dial import Dialer
from kglb.checks.http_answer import Head, NotHttpError, Whole
from kglb.checks.http_request import request_head
from kglb.checks.match import HEARD_LIMIT, Expectation, shown
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.checks.probe import ANSWER, ConnectingProbe
from kglb.model.check import HttpCheck, SecretRef
from kglb.model.endpoint import Endpoint

_CHUNK: Final = 16 * 1024
_SHOWN: Final = 80


class HttpProbe(ConnectingProbe):
    """Passes when the status of the answer is one of ``codes``, as soon as the answer's head is complete.

    With a body expected, it is judged once complete, or after 64 KiB of answer.
    """

    __slots__ = ("_answer", "_codes", "_expected", "_request", "_unsent", "_whole")

    first_phase = ANSWER

    def __init__(
        self,
        check: HttpCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
        secrets: Mapping[SecretRef, str],
    ) -> None:
        """Raises ValueError as ``request_head`` and ``Expectation`` do."""
        super().__init__(target, dialer, timeout=check.timeout, answered=answered)
        self._codes = check.codes
        self._expected = Expectation(check.body.encode(), check.body_regex)
        self._whole = bool(self._expected) or check.follow_redirects
        self._request = request_head(check, target, secrets)
        self._unsent = b""
        self._answer: Head | None = None

    @property
    def location(self) -> str:
        """Where the answer redirects to, empty when it does not, or when redirects are not followed."""
        return self._answer.location if isinstance(self._answer, Whole) else ""

    def begin(self) -> None:
        """Dial the target, with the whole request yet to send."""
        super().begin()
        self._unsent = self._request

    def end(self) -> None:
        """Close the connection and forget the answer."""
        super().end()
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def converse(self) -> Verdict | None:
        """Send what is left of the request, then read until the answer can be judged."""
        assert self.stream is not None
        if self._unsent:
            self._unsent = self._unsent[self.stream.send(self._unsent) :]
            self.interest = POLLOUT if self._unsent else POLLIN
            return None
        return self._hear(self.stream.recv(_CHUNK))

    def _hear(self, chunk: bytes) -> Verdict | None:
        answer = self._answer
        if answer is None:
            answer = self._answer = Whole() if self._whole else Head()
        if not chunk:
            return self._judge_body(answer) if answer.code else self.cut_off(f"after {answer.heard} bytes")
        try:
            answer.feed(chunk)
        except NotHttpError as error:
            return Verdict("failure", "not HTTP", f"{error}: {chunk[:_SHOWN]!r}")
        if answer.code:
            return self._judge(answer, chunk)
        if answer.heard >= HEARD_LIMIT:
            return Verdict("failure", "endless head", f"more than {HEARD_LIMIT} bytes")
        return None

    def _judge(self, answer: Head, chunk: bytes) -> Verdict | None:
        if answer.code not in self._codes:
            status_line = chunk.partition(b"\n")[0][:_SHOWN].decode("latin-1").strip()
            return Verdict("failure", f"unexpected status {answer.code}", status_line)
        if not self._expected or self.location:
            return OK
        assert isinstance(answer, Whole)
        return self._judge_body(answer) if answer.complete or answer.heard >= HEARD_LIMIT else None

    def _judge_body(self, answer: Head) -> Verdict:
        """Judge the body by what has come of it."""
        assert isinstance(answer, Whole)
        if self._expected.met_by(bytes(answer.body)):
            return OK
        return Verdict("failure", "body does not match", shown(answer.body))
