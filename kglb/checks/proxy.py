"""The check of a proxy by an https URL: CONNECT, TLS with the URL's host through the tunnel, then the request.

A proxy asked for an http URL needs nothing of this: the request is only written differently.
"""

import re
from collections.abc import Callable, Mapping
from select import POLLIN, POLLOUT
from typing import Final
from urllib.parse import urlsplit

from kglb.checks.dial import Dialer
from kglb.checks.http_request import connect_head
from kglb.checks.https import HttpsProbe
from kglb.checks.match import HEARD_LIMIT, shown
from kglb.checks.outcome import Outcome, Verdict
from kglb.checks.secured import HANDSHAKE
from kglb.checks.stream import TlsStream
from kglb.checks.tls import host_name
from kglb.model.check import HttpCheck, SecretRef
from kglb.model.endpoint import Endpoint

TUNNEL: Final = "tunnel setup"

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})\b[^\r\n]*")
_CHUNK: Final = 4096
_SHOWN: Final = 80


class TunnelProbe(HttpsProbe):
    """An ``HttpsProbe`` of the URL's host through a tunnel of the real's making.

    A proxy that is itself spoken to over TLS (``tls``) costs TLS within TLS.
    """

    __slots__ = ("_connect", "_origin", "_reply", "_secure_proxy", "_to_send")

    first_phase = TUNNEL

    def __init__(
        self,
        check: HttpCheck,
        target: Endpoint,
        dialer: Dialer,
        *,
        answered: Callable[[Outcome], None],
        secrets: Mapping[SecretRef, str],
    ) -> None:
        """Raises as ``HttpsProbe``, and ValueError for a URL without a host."""
        super().__init__(check, target, dialer, answered=answered, secrets=secrets)
        url = urlsplit(check.proxy_check_url)
        if not url.hostname:
            raise ValueError(f"expected a URL with a host, found {check.proxy_check_url!r}")
        self._connect = connect_head(url)
        self._origin = host_name(url.hostname) or (url.hostname if check.verify else None)
        self._secure_proxy = check.tls
        self._to_send = b""
        self._reply = b""

    def begin(self) -> None:
        """Dial the proxy, with the whole CONNECT yet to send."""
        super().begin()
        self._to_send = self._connect
        self._reply = b""

    def advance(self) -> Verdict | None:
        """Get through the proxy first."""
        if self.phase == TUNNEL:
            assert self.stream is not None
            if self._secure_proxy:
                if not isinstance(self.stream, TlsStream):
                    self.stream = self.security.with_another(self.stream, self.security.name)
                self.stream.do_handshake()
            verdict = self._ask_proxy()
            if verdict is not None or not self._is_open:
                return verdict
            self.stream = self.security.with_another(self.stream, self._origin)
            self.phase = HANDSHAKE
        return super().advance()

    def _ask_proxy(self) -> Verdict | None:
        assert self.stream is not None
        if self._to_send:
            self._to_send = self._to_send[self.stream.send(self._to_send) :]
            self.interest = POLLOUT if self._to_send else POLLIN
            return None
        chunk = self.stream.recv(_CHUNK)
        self._reply += chunk
        if not chunk:
            return self.cut_off(f"after {len(self._reply)} bytes")
        if not self._is_open:
            endless = len(self._reply) >= HEARD_LIMIT
            return Verdict("failure", "endless head", f"more than {HEARD_LIMIT} bytes") if endless else None
        status = _STATUS_LINE.match(self._reply)
        if status is None:
            return Verdict("failure", "not HTTP", shown(self._reply))
        if not status[1].startswith(b"2"):
            shown_line = status[0][:_SHOWN].decode("latin-1")
            return Verdict("failure", f"proxy refused with {status[1].decode()}", shown_line)
        return None

    @property
    def _is_open(self) -> bool:
        return b"\r\n\r\n" in self._reply
