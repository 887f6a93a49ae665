"""What a conversation goes over: a socket, or TLS over any such stream, TLS included.

TLS works on memory here, and we own the socket. On a socket of its own OpenSSL reads twice per record, and sends the
end of the handshake and the request one by one. Here one ``recv`` takes all that has come, and one ``send`` sends all
there is to send.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final, ParamSpec, Protocol, TypeVar

_RECORD: Final = 16 * 1024

_P = ParamSpec("_P")
_R = TypeVar("_R")


class Stream(Protocol):
    """The part of a non-blocking socket that a conversation needs."""

    def send(self, message: bytes, /) -> int:
        """How many bytes of it are on their way. Raises OSError; BlockingIOError or ssl.SSLWantWriteError for none."""

    def recv(self, size: int, /) -> bytes:
        """What has come, empty at its end. Raises OSError; BlockingIOError or ssl.SSLWantReadError for nothing yet."""


class TlsStream:
    """The client's side of TLS over ``below``, asking for the server ``name`` (None: for none)."""

    __slots__ = ("_below", "_has_heard", "_incoming", "_outgoing", "_tls", "_unsent", "_written")

    def __init__(
        self, below: Stream, context: ssl.SSLContext, name: str | None, session: ssl.SSLSession | None = None
    ) -> None:
        self._below = below
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name, session=session)
        self._unsent = b""
        self._written = 0
        self._has_heard = False

    @property
    def session(self) -> ssl.SSLSession | None:
        """What the next connection may resume, None for nothing: TLS 1.3 tells it after the handshake, with what is
        said then, and to take one that holds nothing costs as much as any.
        """
        return self._tls.session if self._has_heard or self._tls.version() != "TLSv1.3" else None

    @property
    def session_reused(self) -> bool:
        """Whether this connection resumed a session."""
        return bool(self._tls.session_reused)

    @property
    def has_unread(self) -> bool:
        """Whether something has come that ``recv`` has not handed out, and of which ``poll`` knows nothing."""
        return bool(self._incoming.pending or self._tls.pending())

    def do_handshake(self) -> None:
        """Go on with the handshake; its last words go out with the first ``send``, or by ``flush``.

        Raises ssl.SSLWantReadError or ssl.SSLWantWriteError while it is not done, OSError (ssl.SSLError is one).
        """
        self._drive(self._tls.do_handshake)

    def send(self, message: bytes, /) -> int:
        """As ``Stream.send``. After ssl.SSLWantWriteError, call it again with the same message."""
        if not self._written:
            self._written = self._drive(self._tls.write, message[:_RECORD])
        self.flush()
        sent, self._written = self._written, 0
        return sent

    def recv(self, size: int, /) -> bytes:
        """As ``Stream.recv``, but all that has come, in pieces of ``size``: ``poll`` does not know of what would be
        left behind.
        """
        heard = b""
        try:
            heard = piece = self._drive(self._tls.read, size)
            while piece and self.has_unread:
                piece = self._tls.read(size)
                heard += piece
        except ssl.SSLWantReadError:
            if not heard:
                raise
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        self._has_heard = True
        return heard

    def _drive(self, act: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        while True:
            try:
                return act(*args, **kwargs)
            except ssl.SSLWantReadError:
                if self.flush():
                    raise  # what was said this moment is not answered yet
                self._receive()
            except ssl.SSLError:
                with suppress(OSError):
                    self.flush()  # the alert that tells the server why
                raise

    def _receive(self) -> None:
        try:
            chunk = self._below.recv(_RECORD)
        except BlockingIOError:
            raise ssl.SSLWantReadError from None
        if chunk:
            self._incoming.write(chunk)
        else:
            self._incoming.write_eof()

    def flush(self) -> bool:
        """Send what is left to send; whether there was anything. Raises ssl.SSLWantWriteError when some still is."""
        self._unsent += self._outgoing.read()
        anything = bool(self._unsent)
        while self._unsent:
            try:
                self._unsent = self._unsent[self._below.send(self._unsent) :]
            except BlockingIOError:
                raise ssl.SSLWantWriteError from None
        return anything
