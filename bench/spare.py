"""Measures how busy the CPU is, by what a process that only runs when nobody else wants to still gets done.

The lab's kernel counts CPU time by its 10 ms tick, which a program that works in step with the clock escapes. What is
measured here is everything that runs: the program, the kernel's work for it, and the reals' process.

    python -m bench.spare FILE
"""

import mmap
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

_COUNT = struct.Struct("=Q")
_BLOCK = 2_000
CALIBRATION = 2.0
"""Seconds of idleness that say what is 100 %."""


class Spare:
    """Knows from entering the context, when nothing else may work, how much an idle CPU gets done; then compares."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "spare"

    def __enter__(self) -> Self:
        self._file.write_bytes(bytes(mmap.PAGESIZE))
        with self._file.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._process = subprocess.Popen([sys.executable, "-m", "bench.spare", str(self._file)])
        time.sleep(1.0)
        before = self._read()
        time.sleep(CALIBRATION)
        self._rate = (self._read() - before) / CALIBRATION
        self._process.send_signal(signal.SIGSTOP)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._shared.close()

    def busy_seconds(self, seconds: float, wait: Callable[[float], None]) -> float:
        """Seconds of CPU that everything else takes while ``wait(seconds)`` runs."""
        self._process.send_signal(signal.SIGCONT)
        before, begin = self._read(), time.monotonic()
        wait(seconds)
        done, took = self._read() - before, time.monotonic() - begin
        self._process.send_signal(signal.SIGSTOP)
        return took - done / self._rate

    def _read(self) -> int:
        return int(_COUNT.unpack_from(self._shared)[0])


def main() -> None:
    """Count in the shared file for ever."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with Path(sys.argv[1]).open("r+b") as file:
        shared = mmap.mmap(file.fileno(), mmap.PAGESIZE)
    count = 0
    while True:
        for _ in range(_BLOCK):
            pass
        count += 1
        _COUNT.pack_into(shared, 0, count)


if __name__ == "__main__":
    main()
