"""The running daemon's stream of events, as ``top`` follows it; ``status`` does without, and so without httpx."""

from collections.abc import AsyncIterable, AsyncIterator

import httpx

from kglb.cli.looking import PATIENCE
from kglb.model import Endpoint

_LONGEST_LINE = 64 * 1024 * 1024


async def read_events(where: Endpoint, after: int | None = None) -> AsyncIterator[tuple[str, bytes]]:
    """The name and data of each message of ``/events``, as they come; all that are kept, or those after a record.

    Raises OSError where the stream cannot be had or ends.
    """
    resumed = {} if after is None else {"Last-Event-ID": str(after)}
    try:
        async with (
            httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client,  # no proxy is on the way to this machine
            client.stream("GET", f"http://{where}/events", headers=resumed) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise ConnectionError(f"/events answers {answer.status_code} {answer.reason_phrase}")
            event = ""
            async for line in _lines(answer.aiter_bytes()):
                name, _, value = line.partition(b": ")
                if name == b"event":
                    event = value.decode()
                elif name == b"data":
                    yield event, value
    except httpx.HTTPError as error:
        raise ConnectionError(f"the stream has ended: {error or type(error).__name__}") from error
    raise ConnectionError("the stream has ended")


async def _lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream without their ends. Only a newline ends one: texts may have other separators."""
    rest = bytearray()
    async for chunk in chunks:
        rest += chunk
        if b"\n" in chunk:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                yield bytes(line.rstrip(b"\r"))
        if len(rest) > _LONGEST_LINE:
            raise ConnectionError(f"/events has a line of more than {_LONGEST_LINE} bytes")
