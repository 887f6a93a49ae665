"""The HTTP check over TLS, on the prober's own sockets.

Sessions are resumed, because a full handshake is most of what such a check costs, but only so often: a
server whose key or certificate broke must not pass for ever on an old session.
"""

import ssl
from collections.abc import Callable, Mapping
from select import POLLIN, POLLOUT
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Final

from kglb.checks.dial import Dialer
from kglb.checks.gate import Gate
from kglb.checks.http import HttpProbe
from kglb.checks.http_request import header_value
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.checks.probe import ANSWER
from kglb.checks.tls import NestedTls, host_name, tls_context
from kglb.model.config import HttpCheck, SecretRef
from kglb.model.endpoint import Endpoint

HANDSHAKE: Final = "handshake"
RESUMPTIONS: Final = 20
"""How many checks in a row resume a session before the next full handshake."""


class HttpsProbe(HttpProbe):
    """An ``HttpProbe`` that shakes hands first."""

    __slots__ = ("_context", "_resumed", "_server_name", "_session")

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
        """Raises ValueError as ``HttpProbe``, OSError (ssl.SSLError is one) as ``tls_context``."""
        super().__init__(check, target, dialer, answered=answered, gate=gate, secrets=secrets)
        self._context = tls_context(check)
        # A proxy is not called by the name of what is behind it.
        named = check.sni or ("" if check.proxy_check_url else host_name(header_value(check, "host", secrets)))
        # An address goes into no SNI, but a certificate can be verified against it.
        self._server_name = named or (target.address if check.verify else None)
        self._session: ssl.SSLSession | None = None
        self._resumed = 0

    def converse(self) -> Verdict | None:
        """Shake hands, then speak HTTP. What TLS itself objects to is a failure."""
        try:
            verdict = self.advance()
        except ssl.SSLWantReadError:
            self.interest = POLLIN
            return None
        except ssl.SSLWantWriteError:
            self.interest = POLLOUT
            return None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            verdict = self.cut_off("end of stream")
        except ssl.SSLCertVerificationError as error:
            verdict = Verdict("failure", "certificate not accepted", error.verify_message)
        except ssl.SSLError as error:
            verdict = Verdict("failure", f"TLS error during {self.phase}", error.reason or str(error))
        if verdict is not None:
            self._keep_session(verdict)
        return verdict

    def advance(self) -> Verdict | None:
        """One step on: as ``converse``, but raises ssl.SSLError."""
        if self.phase == HANDSHAKE:
            self._shake_hands()
        return super().converse()

    def _shake_hands(self) -> None:
        if not isinstance(self.sock, ssl.SSLSocket | NestedTls):
            self.sock = self.wrap(self._server_name, self._session)
        self.sock.do_handshake()
        self.phase = ANSWER

    def wrap(self, name: str | None, session: ssl.SSLSession | None) -> ssl.SSLSocket:
        """The connection with TLS on it, before the handshake. Raises OSError when it is reset already."""
        assert self.sock is not None
        # Else Nagle's algorithm holds the request back until the end of the handshake is acknowledged.
        self.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        return self._context.wrap_socket(
            self.sock,  # type: ignore[arg-type]  # the stub wants the Python class; any socket will do
            do_handshake_on_connect=False,
            server_hostname=name,
            session=session,
        )

    def _keep_session(self, verdict: Verdict) -> None:
        if not isinstance(self.sock, ssl.SSLSocket):
            return
        self._resumed = self._resumed + 1 if self.sock.session_reused else 0
        fresh_is_due = verdict is not OK or self._resumed >= RESUMPTIONS
        self._session = None if fresh_is_due else self.sock.session
