"""The HTTP check over TLS, on the prober's own sockets.

Sessions are resumed, because a full handshake is most of what such a check costs, but only so often: a
server whose key or certificate broke must not pass for ever on an old session.
"""

import ssl
from collections.abc import Callable, Mapping
from select import POLLIN, POLLOUT
from typing import Final

from kglb.checks.dial import Dialer
from kglb.checks.http import HttpProbe
from kglb.checks.http_request import header_value
from kglb.checks.outcome import OK, Outcome, Verdict
from kglb.checks.probe import ANSWER
from kglb.checks.stream import TlsStream
from kglb.checks.tls import host_name, tls_context
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
        secrets: Mapping[SecretRef, str],
    ) -> None:
        """Raises ValueError as ``HttpProbe``, OSError (ssl.SSLError is one) as ``tls_context``."""
        super().__init__(check, target, dialer, answered=answered, secrets=secrets)
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
        stream = self.stream
        if not isinstance(stream, TlsStream):
            stream = self.secure(self._server_name, self._session)
        stream.do_handshake()
        self.phase = ANSWER

    def secure(self, name: str | None, session: ssl.SSLSession | None = None) -> TlsStream:
        """Speak TLS with that server from here on, whatever the conversation goes over so far."""
        assert self.stream is not None
        secured = self.stream = TlsStream(self.stream, self._context, name, session)
        return secured

    def _keep_session(self, verdict: Verdict) -> None:
        if not isinstance(self.stream, TlsStream):
            return
        self._resumed = self._resumed + 1 if self.stream.session_reused else 0
        if verdict is not OK or self._resumed >= RESUMPTIONS:
            self._session = None
        elif not self._resumed:
            # The one that was resumed serves again: to take one costs more than to resume it saves, for ``ssl``
            # writes it to ASN.1 and reads it back.
            self._session = self.stream.session
