"""Tells a URL: POSTs JSON, by httpx, over a connection that is kept.

An answer of 2xx is an acknowledgement. An answer about the document (it is malformed, or too large) stays true however
often it is sent: the notice is refused. Any other failure may pass, or be repaired at the receiver or in the set-up, so
the notice is tried again and not lost.
"""

import asyncio
import os
import re
import ssl
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import httpx

from kglb import __version__
from kglb.actors.scrubbing import scrubber
from kglb.cli.notifying.backoff import retry_after
from kglb.cli.notifying.payload import Encode
from kglb.cli.notifying.target import TAKEN, Reply
from kglb.replay.notices import Notice
from kglb.replay.words import printable

REFUSALS: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)

_OWN_HEADERS: Final = (
    ("User-Agent", f"kglb-actors/{__version__}"),
    ("Content-Type", "application/json"),
    ("Accept-Encoding", "identity"),
)
_MOST_READ: Final = 64 * 1024
_SHOWN: Final = 200
_SHORTEST_SECRET: Final = 6

Headers = Sequence[tuple[str, str]]


class Webhook:
    """A URL with what is sent along; ``timeout`` in seconds is for all of an attempt. Raises InvalidURL."""

    def __init__(self, url: str, headers: Headers, encode: Encode, *, timeout: float) -> None:
        self._url = httpx.URL(url)
        self.name = f"{self._url.scheme}://{self._url.netloc.decode()}"
        self._encode = encode
        self._timeout = timeout
        self._scrub = scrubber(_secrets(self._url, headers))
        given = {name.lower() for name, _ in headers}
        own = [(name, value) for name, value in _OWN_HEADERS if name.lower() not in given]
        self._client = httpx.AsyncClient(
            headers=httpx.Headers([*own, *headers]),
            timeout=None,  # noqa: S113 - one for all of it, below
            verify=ssl.create_default_context(),  # what this system trusts
        )

    async def close(self) -> None:
        """Give the connection back."""
        await self._client.aclose()

    async def tell(self, notices: Sequence[Notice]) -> Reply:
        """POST once."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(self._encode(notices))
        except TimeoutError:
            return Reply("later", f"no answer within {self._timeout:g} s")
        except (httpx.HTTPError, OSError) as error:
            return Reply("later", self._scrub(_innermost(error)))

    async def _post(self, document: bytes) -> Reply:
        async with self._client.stream("POST", self._url, content=document) as answer:
            if answer.is_success:
                await _beginning(answer)
                return TAKEN
            said = self._scrub(printable(" ".join((await _beginning(answer)).decode("utf-8", "replace").split())))
        words = f"{answer.status_code} {answer.reason_phrase}{f': {said[:_SHOWN]}' if said else ''}"
        if answer.status_code in REFUSALS:
            return Reply("refused", words)
        return Reply("later", words, retry_after(answer.headers.get("Retry-After", ""), time.time()))


async def _beginning(answer: httpx.Response) -> bytes:
    """An answer's body, if that is short: then the connection can be used again."""
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > _MOST_READ:
            break
    return body


def _innermost(error: BaseException) -> str:
    """What went wrong in the beginning: httpx wraps what its layers wrap."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    of_a_call = type(error) is OSError or isinstance(error, ConnectionError)
    if of_a_call and isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)  # asyncio has another text in its place
    return str(error) or type(error).__name__


def _secrets(url: httpx.URL, headers: Headers) -> set[str]:
    """What no message may show: whatever of the URL is behind its host, whole and in pieces, and values of headers."""
    beyond = url.raw_path.decode()
    found = {beyond, url.path, url.fragment, *url.userinfo.decode().split(":"), url.password, *(v for _, v in headers)}
    pieces = {piece for text in found for piece in re.split(r"[/?&=:\s]", text)}
    return {text for text in found | pieces if len(text) >= _SHORTEST_SECRET}
