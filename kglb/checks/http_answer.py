"""Reading the answer to an HTTP check, with a C parser. Judges nothing."""

from typing import Final

import httptools

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class NotHttpError(ValueError):
    """What came is not HTTP."""


class Head:
    """The head of an answer: ``code`` is its status, 0 until it is complete. ``heard`` counts all its bytes.

    A body that is no proper one does not matter here.
    """

    __slots__ = ("_parser", "code", "heard")

    def __init__(self) -> None:
        self.code = 0
        self.heard = 0
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)

    def feed(self, chunk: bytes) -> None:
        """Take in what was received. Raises NotHttpError."""
        assert self._parser is not None
        self.heard += len(chunk)
        try:
            self._parser.feed_data(chunk)
        except httptools.HttpParserUpgrade:
            pass  # a 101, complete
        except httptools.HttpParserError as error:
            if not self._excused():
                raise NotHttpError(str(error)) from None

    def close(self) -> None:
        """Drop the parser, and with it the cycle they make."""
        self._parser = None

    def on_headers_complete(self) -> None:
        """Take the first status that is not interim (RFC 9110, 15.2); the parser calls this for each head."""
        assert self._parser is not None
        code = self._parser.get_status_code()
        if not self.code and (code >= 200 or code == 101):
            self.code = code

    def _excused(self) -> bool:
        """Whether an error of the parser comes after all that matters."""
        return self.code != 0


class Whole(Head):
    """An answer with its ``body``, ``complete`` once it has ended, and the ``location`` of a redirect."""

    __slots__ = ("body", "complete", "location")

    def __init__(self) -> None:
        self.body = bytearray()
        self.complete = False
        self.location = ""
        super().__init__()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take the Location."""
        if not self.code and name.lower() == b"location":
            self.location = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Take the status; a Location counts only with a status that redirects."""
        super().on_headers_complete()
        if self.code not in REDIRECTS:
            self.location = ""

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        self.body += part

    def on_message_complete(self) -> None:
        """Note the end; interim answers end too."""
        self.complete = self.code != 0

    def _excused(self) -> bool:
        return self.complete
