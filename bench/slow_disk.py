"""How long an effect waits for the write of its cause, by how long the platter takes: ``python -m bench.slow_disk``.

Records come one by one, as news of one real after the other do, and each waits as the applier does. The journal's
appender with its own threads on real files, of which each sync takes so much longer.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from bench.journals import flip
from journal import AppenderOptions, Origin, OsFiles, open_journal
from kglb.actors.recorder import WRITE_DEADLINE
from kglb.events import encode
from tests.projections.builders import real_id

EVENT = encode(flip(real_id(7), up=False))


class SlowFiles(OsFiles):
    """Real files on a platter that takes ``delay`` seconds more."""

    def __init__(self, delay: float) -> None:
        super().__init__()
        self._delay = delay

    def sync(self, fd: int) -> None:
        """Sleep, then sync."""
        time.sleep(self._delay)
        super().sync(fd)


async def waits(directory: Path, delay: float, pause: float, count: int) -> list[float]:
    """Seconds from each record to its write."""
    origin = Origin(host="bench", boot_id="bench", software="bench")
    opened = open_journal(directory, SlowFiles(delay))
    appender = opened.appender(origin, lambda: iter((b"{}",)), AppenderOptions())
    await appender.wait_synced(appender.last_seq)
    took = []
    for _ in range(count):
        began = time.perf_counter()
        await appender.wait_written(appender.append(EVENT), WRITE_DEADLINE)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(pause)
    await appender.close(5.0)
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delays", type=float, nargs="+", default=[0, 5, 20], metavar="MS")
    parser.add_argument("--pause", type=float, default=3, metavar="MS", help="between two records")
    parser.add_argument("--count", type=int, default=500)
    args = parser.parse_args()
    print(f"{'a sync takes':>14}{'median':>12}{'p90':>12}{'worst':>12}")
    for delay in args.delays:
        with tempfile.TemporaryDirectory(prefix="bench-slow-disk-") as name:
            took = uvloop.run(waits(Path(name), delay / 1000, args.pause / 1000, args.count))
        tenths = statistics.quantiles(took, n=10)
        figures = (statistics.median(took), tenths[-1], max(took))
        print(f"{f'{delay:g} ms more':>14}" + "".join(f"{seconds * 1000:>9.2f} ms" for seconds in figures), flush=True)


if __name__ == "__main__":
    main()
