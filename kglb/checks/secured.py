"""What all probes have in common that speak TLS, on the prober's own sockets; what is said in it is up to the kinds.

Sessions are resumed, because a full handshake is most of what such a check costs, but only so often: a
server whose key or certificate broke must not pass for ever on an old session.
"""

import ssl
from select import POLLIN, POLLOUT
from typing import Final

from kglb.checks.outcome import OK, Verdict
from kglb.checks.probe import ANSWER, ConnectingProbe
from kglb.checks.stream import Stream, TlsStream
from kglb.checks.tls import tls_context
from kglb.model.check import HttpCheck, TcpCheck

HANDSHAKE: Final = "handshake"
RESUMPTIONS: Final = 20
"""How many checks in a row resume a session before the next full handshake."""


class Security:
    """Whom a check trusts, the ``name`` of the server (None: none is asked for), and the session to resume."""

    __slots__ = ("_context", "_resumed", "_session", "name")

    def __init__(self, check: HttpCheck | TcpCheck, name: str | None) -> None:
        """Raises OSError (ssl.SSLError is one) as ``tls_context``."""
        self.name = name
        self._context = tls_context(check)
        self._session: ssl.SSLSession | None = None
        self._resumed = 0

    def over(self, below: Stream) -> TlsStream:
        """TLS with the server."""
        return TlsStream(below, self._context, self.name, self._session)

    def with_another(self, below: Stream, name: str | None) -> TlsStream:
        """TLS with a server of another name, trusted alike."""
        return TlsStream(below, self._context, name)

    def keep_session(self, stream: TlsStream, verdict: Verdict) -> None:
        """Keep the session of a conversation that ended with this verdict, if the next one may resume it."""
        self._resumed = self._resumed + 1 if stream.session_reused else 0
        if verdict is not OK or self._resumed >= RESUMPTIONS:
            self._session = None
        elif not self._resumed:
            # The one that was resumed serves again: to take one costs more than to resume it saves, for ``ssl``
            # writes it to ASN.1 and reads it back.
            self._session = stream.session


class SecuredProbe(ConnectingProbe):
    """A probe that shakes hands first. It stands before the kind whose conversation then goes over TLS."""

    __slots__ = ()

    first_phase = HANDSHAKE

    security: Security
    """The kind's own."""

    def converse(self) -> Verdict | None:
        """Shake hands, then go on as the kind. What TLS itself objects to is a failure."""
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
        if verdict is not None and isinstance(self.stream, TlsStream):
            self.security.keep_session(self.stream, verdict)
        return verdict

    def advance(self) -> Verdict | None:
        """One step on: as ``converse``, but raises ssl.SSLError."""
        if self.phase == HANDSHAKE:
            assert self.stream is not None
            if not isinstance(self.stream, TlsStream):
                self.stream = self.security.over(self.stream)
            self.stream.do_handshake()
            self.phase = ANSWER
        return super().converse()
