"""What an input may cost at most: time and memory, stated once, for all targets."""

import gc
import signal
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fuzz import OneInput

SECONDS = 10.0
"""Of real time: what takes longer hangs. Inputs take milliseconds."""

MEMORY = 32 << 20
"""Bytes of Python's own memory, at the peak, beyond what there was before."""


class Hung(BaseException):
    """An input took longer than SECONDS."""


class TooMuchMemory(AssertionError):  # noqa: N818
    """An input needed more than MEMORY."""


def within_bounds(one_input: OneInput, data: bytes) -> None:
    """Run one input; raises what it raises, Hung, or TooMuchMemory."""
    with _in_time(), _in_memory():
        one_input(data)


@contextmanager
def _in_time() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as ``signal`` calls it
        raise Hung(f"still at it after {SECONDS:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _in_memory() -> Iterator[None]:
    if not tracemalloc.is_tracing():
        yield
        return
    tracemalloc.clear_traces()
    base = tracemalloc.get_traced_memory()[0]
    yield
    peak = tracemalloc.get_traced_memory()[1] - base
    if peak > MEMORY:
        gc.collect()
        raise TooMuchMemory(f"{peak:,} bytes at the peak, expected at most {MEMORY:,}")
