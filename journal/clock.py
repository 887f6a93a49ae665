"""The two clocks a record is stamped with, and the text form of a time. Nothing else here reads a clock."""

import time
from collections.abc import Callable

import msgspec


class Clock(msgspec.Struct, frozen=True):
    """Where time comes from: ``wall`` in nanoseconds since 1970, ``monotonic`` in seconds."""

    wall: Callable[[], int] = time.time_ns
    monotonic: Callable[[], float] = time.monotonic


class Stamp:
    """The wall clock as ``2026-11-22T14:30:01.123456Z``: UTC, 27 characters, so text order is time order."""

    def __init__(self, clock: Clock) -> None:
        self._wall = clock.wall
        self._second = -1
        self._prefix = b""

    def __call__(self) -> bytes:
        """The time now."""
        second, microsecond = divmod(self._wall() // 1000, 1_000_000)
        if second != self._second:
            self._second = second
            self._prefix = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        return b"%b.%06dZ" % (self._prefix, microsecond)
