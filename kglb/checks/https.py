"""The HTTP check over TLS, on the prober's own sockets. Certificates are not verified, as in KgLb.

Sessions are resumed, because a full handshake is most of what such a check costs, but only so often: a
server whose key or certificate broke must not pass for ever on an old session.
"""

import ssl
from collections.abc import Callable, Mapping
from functools import cache
from ipaddress import ip_address
from select import POLLIN, POLLOUT
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Final

from kglb.checks.dial import Dialer
from kglb.checks.gate import Gate
from kglb.checks.http import ANSWER, HttpProbe, header_value
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.model.config import HttpCheck, SecretRef
from kglb.model.endpoint import Endpoint

HANDSHAKE: Final = "handshake"
RESUMPTIONS: Final = 20
"""How many checks in a row resume a session before the next full handshake."""


@cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # a weak key is not for a health check to judge
    return context


def _server_name(host: str | None) -> str | None:
    """The name for SNI: that of a configured Host header, none for an address (RFC 6066, 3)."""
    name = (host or "").rpartition("]")[2].partition(":")[0]
    try:
        ip_address(name)
    except ValueError:
        return name.strip(".") or None
    return None


class HttpsProbe(HttpProbe):
    """An ``HttpProbe`` that shakes hands first."""

    __slots__ = ("_resumed", "_server_name", "_session")

    first_phase = HANDSHAKE

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
        super().__init__(check, target, dialer, answered=answered, gate=gate, secrets=secrets)
        self._server_name = _server_name(header_value(check, "host", secrets))
        self._session: ssl.SSLSession | None = None
        self._resumed = 0

    def converse(self) -> Verdict | None:
        """Shake hands, then speak HTTP. What TLS itself objects to is a failure."""
        try:
            if self.phase == HANDSHAKE:
                self._shake_hands()
            verdict = super().converse()
        except ssl.SSLWantReadError:
            self.interest = POLLIN
            return None
        except ssl.SSLWantWriteError:
            self.interest = POLLOUT
            return None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            verdict = self.cut_off("end of stream")
        except ssl.SSLError as error:
            verdict = Verdict("failure", f"TLS error during {self.phase}", error.reason or str(error))
        if verdict is not None:
            self._keep_session(verdict)
        return verdict

    def _shake_hands(self) -> None:
        if not isinstance(self.sock, ssl.SSLSocket):
            assert self.sock is not None
            # Else Nagle's algorithm holds the request back until the end of the handshake is acknowledged.
            self.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            self.sock = _context().wrap_socket(
                self.sock,  # type: ignore[arg-type]  # the stub wants the Python class; any socket will do
                do_handshake_on_connect=False,
                server_hostname=self._server_name,
                session=self._session,
            )
        self.sock.do_handshake()
        self.phase = ANSWER

    def _keep_session(self, verdict: Verdict) -> None:
        assert isinstance(self.sock, ssl.SSLSocket)
        self._resumed = self._resumed + 1 if self.sock.session_reused else 0
        fresh_is_due = verdict is not OK or self._resumed >= RESUMPTIONS
        self._session = None if fresh_is_due else self.sock.session
