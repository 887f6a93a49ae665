"""The plain HTTP check: one GET, made of bytes prepared once, and the head of its answer read by a C parser.

It never follows a redirect, never reads a body to its end, and never keeps a connection.
"""

import re
from collections.abc import Callable, Mapping
from select import POLLIN, POLLOUT
from typing import Final
from urllib.parse import quote

import httptools

from kglb import __version__
from kglb.checks.dial import Dialer
from kglb.checks.gate import Gate
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.checks.probe import ConnectingProbe
from kglb.model.config import HttpCheck, SecretRef
from kglb.model.endpoint import Endpoint

USER_AGENT: Final = f"kglb-actors/{__version__}"
ANSWER: Final = "answer"
HEAD_LIMIT: Final = 64 * 1024
"""Bytes an answer may send before its head is complete."""

_CHUNK: Final = 16 * 1024  # the longest TLS record: one recv leaves nothing decrypted behind
_SHOWN: Final = 80
_OWN_HEADERS: Final = frozenset({"host", "user-agent", "connection"})
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_IN_TARGET: Final = "!#$%&'()*+,/:;=?@[]~"


def header_value(check: HttpCheck, name: str, secrets: Mapping[SecretRef, str]) -> str | None:
    """The configured value of a header, whatever its case, secrets filled in; None when there is none."""
    for key, value in check.headers.items():
        if key.lower() == name.lower():
            return _revealed(key, value, secrets)
    return None


def _revealed(name: str, value: str | SecretRef, secrets: Mapping[SecretRef, str]) -> str:
    if isinstance(value, SecretRef):
        if value not in secrets:
            raise ValueError(f"header {name}: no value was loaded for {value}")
        value = secrets[value]
    if not _HEADER_NAME.fullmatch(name) or any(forbidden in value for forbidden in "\r\n\0"):
        raise ValueError(f"header {name!r}: expected a token as its name and a value of one line")
    return value


def _default_host(check: HttpCheck, target: Endpoint) -> str:
    if target.port == (443 if check.tls else 80):
        return f"[{target.address}]" if target.is_ipv6 else target.address
    return str(target)


def request_head(check: HttpCheck, target: Endpoint, secrets: Mapping[SecretRef, str]) -> bytes:
    """The bytes of the GET. ``Host`` may be configured; ``User-Agent`` and ``Connection: close`` are always
    ours.

    Raises ValueError for a header that would break the message, and for a secret that was not loaded.
    """
    path = quote(check.path, safe=_IN_TARGET)
    lines = [
        f"GET {path if path.startswith('/') else '/' + path} HTTP/1.1",
        f"Host: {header_value(check, 'host', secrets) or _default_host(check, target)}",
        f"User-Agent: {USER_AGENT}",
        "Connection: close",
    ]
    for name, value in check.headers.items():
        if name.lower() not in _OWN_HEADERS:
            lines.append(f"{name}: {_revealed(name, value, secrets)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


class HttpProbe(ConnectingProbe):
    """Passes when the status of the answer is one of ``codes``, as soon as the answer's head is complete."""

    __slots__ = ("_code", "_codes", "_heard", "_parser", "_request", "_unsent")

    first_phase = ANSWER

    def __init__(
        self,
        check: HttpCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
        gate: Gate | None = None,
        secrets: Mapping[SecretRef, str],
    ) -> None:
        """Raises ValueError as ``request_head`` does."""
        super().__init__(target, dialer, timeout=check.timeout, answered=answered, gate=gate)
        self._codes = check.codes
        self._request = request_head(check, target, secrets)
        self._unsent = b""
        self._parser: httptools.HttpResponseParser | None = None
        self._heard = 0
        self._code = 0

    def begin(self) -> None:
        """Dial the target, with the whole request yet to send."""
        super().begin()
        self._unsent = self._request

    def end(self) -> None:
        """Close the connection; the parser goes too, and with it the cycle it makes with this probe."""
        super().end()
        self._parser = None

    def converse(self) -> Verdict | None:
        """Send what is left of the request, then read until the head is complete."""
        assert self.sock is not None
        if self._unsent:
            self._unsent = self._unsent[self.sock.send(self._unsent) :]
            self.interest = POLLOUT if self._unsent else POLLIN
            return None
        return self._hear(self.sock.recv(_CHUNK))

    def on_headers_complete(self) -> None:
        """Take the first status that is not interim (RFC 9110, 15.2); the parser calls this for each head."""
        assert self._parser is not None
        code = self._parser.get_status_code()
        if not self._code and (code >= 200 or code == 101):
            self._code = code

    def _hear(self, chunk: bytes) -> Verdict | None:
        if self._parser is None:
            self._code = self._heard = 0
            self._parser = httptools.HttpResponseParser(self)
            self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)
        self._heard += len(chunk)
        if not chunk:
            return self.cut_off(f"after {self._heard} bytes")
        try:
            self._parser.feed_data(chunk)
        except httptools.HttpParserUpgrade:
            pass  # a 101, complete
        except httptools.HttpParserError as error:
            if not self._code:
                return Verdict("failure", "not HTTP", f"{error}: {chunk[:_SHOWN]!r}")
        if self._code:
            return self._judge(chunk)
        if self._heard >= HEAD_LIMIT:
            return Verdict("failure", "endless head", f"more than {HEAD_LIMIT} bytes")
        return None

    def _judge(self, chunk: bytes) -> Verdict:
        if self._code in self._codes:
            return OK
        status_line = chunk.partition(b"\n")[0][:_SHOWN].decode("latin-1").strip()
        return Verdict("failure", f"unexpected status {self._code}", status_line)
