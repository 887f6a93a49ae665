"""The driver without coverage: inputs of the corpus, mutated. The same seed gives the same inputs."""

import random
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fuzz import OneInput
from fuzz.bounds import within_bounds

LONGEST = 64 << 10
"""Bytes of an input."""

_NUMBERS = (b"0", b"-1", b"1e999", b"65536", b"4294967296", b"9" * 5000, b"NaN")
_MARKS = (
    b"\0",
    b"\xff",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b"[" * 3000,
    b"\xed\xa0\x80",
    b"\\ud800",
)


class Finding(Exception):  # noqa: N818
    """An input that broke its target; the cause is what it raised."""

    def __init__(self, data: bytes, executions: int) -> None:
        super().__init__(f"after {executions} executions, an input of {len(data)} bytes: {data[:200]!r}")
        self.data = data


class Effort(NamedTuple):
    """What a run has done."""

    executions: int
    seconds: float


def run(
    one_input: OneInput, seeds: Sequence[bytes], *, seed: int = 0, seconds: float = 1e9, executions: int = 1 << 62
) -> Effort:
    """Try inputs until a bound is reached. Raises Finding."""
    begun, done = time.monotonic(), 0
    tracemalloc.start()
    try:
        for data in mutations(seeds, random.Random(seed)):
            if done >= executions or time.monotonic() - begun >= seconds:
                break
            try:
                within_bounds(one_input, data)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                raise Finding(data, done) from error
            done += 1
    finally:
        tracemalloc.stop()
    return Effort(done, time.monotonic() - begun)


def mutations(seeds: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Inputs without end: some of the seeds, changed a little or a lot."""
    while True:
        data = bytearray(chance.choice(seeds) if seeds else b"")
        for _ in range(1 << chance.randrange(5)):
            _change(data, seeds, chance)
        yield bytes(data[:LONGEST])


def _change(data: bytearray, seeds: Sequence[bytes], chance: random.Random) -> None:
    """One change, in place: at a position, of a few bytes."""
    at = chance.randrange(len(data) + 1)
    size = min(len(data) - at, chance.choice((1, 2, 4, 16, 64, 1024)))
    other = chance.choice(seeds) if seeds else b""
    begin = chance.randrange(len(other) + 1)
    match chance.randrange(8):
        case 0 if size:
            data[at] ^= 1 << chance.randrange(8)
        case 1 if size:
            data[at] = chance.randrange(256)
        case 2:
            del data[at : at + size]
        case 3:
            data[at:at] = data[at : at + size] * chance.choice((1, 1, 2, 100))
        case 4:
            data[at:at] = other[begin : begin + size + 1]
        case 5:
            data[at : at + size] = other[begin : begin + size]
        case 6:
            data[at : at + size] = chance.choice(_NUMBERS + _MARKS)
        case 7:
            data[at:at] = chance.randbytes(size)
        case _:
            data.append(chance.randrange(256))
