"""A journal on a file system that is really full: ``python -m tests.journal.full_disk DIRECTORY`` (a small tmpfs).

Prints one JSON object: what the appender said while the disk was full, and what the journal held afterwards.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from journal import Degraded, JournalGap, Limits
from tests.journal.journals import note, read, texts, until, writing
from tests.patience import PATIENCE

LINE = "x" * 1000


async def _fill(directory: Path, ballast: Path, buffer_size: int) -> list[Degraded | None]:
    """Append until the disk is full and a while longer, then make room; what was said of it."""
    states: list[Degraded | None] = []
    limits = Limits(buffer_size=buffer_size)
    async with writing(directory, limits=limits, on_state=states.append) as appender:
        await appender.wait_synced(appender.append(note("first")))
        ballast.write_bytes(b"\0" * _free(directory))
        for number in range(200):
            appender.append(note(f"{number} {LINE}"))
            await asyncio.sleep(0)
        await until(lambda: appender.degraded)
        assert not await appender.wait_written(appender.last_seq, PATIENCE)
        ballast.unlink()
        await until(lambda: appender.degraded is None and appender.synced_seq == appender.last_seq)
        assert await appender.wait_synced(appender.append(note("last")), PATIENCE)
    return states


def _free(directory: Path) -> int:
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def main(disk: Path) -> dict[str, object]:
    """Once with a buffer that holds everything, once with one that does not."""
    found: dict[str, object] = {}
    for name, buffer_size in (("kept", 1 << 20), ("overrun", 20_000)):
        directory = disk / name
        states = asyncio.run(_fill(directory, disk / "ballast", buffer_size))
        gaps = [record.event for record in read(directory) if isinstance(record.event, JournalGap)]
        found[name] = {
            "reasons": [state.reason for state in states if state],
            "recovered": states[-1] is None,
            "texts": len(texts(directory)),
            "last": texts(directory)[-1],
            "lost": sum(gap.last_seq - gap.first_seq + 1 for gap in gaps),
        }
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
