"""How full the journal's disk is, by what the operating system says."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from kglb.cli.disk_space import DiskSpace
from tests.patience import PATIENCE


async def looked_at(space: DiskSpace) -> None:
    async with asyncio.timeout(PATIENCE):
        while space.free is None:
            await asyncio.sleep(0.001)


def test_free_and_size_are_those_of_the_disk_that_the_directory_is_on(tmp_path: Path) -> None:
    async def main() -> None:
        space = DiskSpace(tmp_path)
        await looked_at(space)
        assert space.size == os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
        assert space.free is not None
        assert 0 <= space.free <= space.size
        await space.close()

    asyncio.run(main())


def test_a_disk_that_does_not_answer_is_waited_for_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mended = threading.Event()
    monkeypatch.setattr(os, "statvfs", lambda _: mended.wait())

    async def main() -> None:
        space = DiskSpace(tmp_path)
        await asyncio.sleep(0.01)
        assert (space.free, space.size) == (None, None)
        await space.close()
        mended.set()

    asyncio.run(main())


def test_a_directory_that_is_gone_leaves_what_was_seen_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kglb.cli.disk_space.INTERVAL", 0.001)
    directory = tmp_path / "journal"
    directory.mkdir()

    async def main() -> None:
        space = DiskSpace(directory)
        await looked_at(space)
        directory.rmdir()
        await asyncio.sleep(0.05)
        assert space.free is not None
        await space.close()

    asyncio.run(main())
