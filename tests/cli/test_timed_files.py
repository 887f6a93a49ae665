import os
from pathlib import Path

import pytest

from kglb.cli.timed_files import TimedFiles


def test_every_sync_is_measured(tmp_path: Path) -> None:
    files = TimedFiles()
    fd = files.create(tmp_path / "segment")
    files.write(fd, b"line\n")
    files.sync(fd)
    files.close(fd)
    assert sum(files.syncs.counts) == 1
    assert files.syncs.sum > 0


def test_a_sync_that_fails_is_measured_too() -> None:
    files = TimedFiles()
    reading, writing = os.pipe()
    with pytest.raises(OSError, match="Invalid argument"):
        files.sync(writing)
    os.close(reading)
    os.close(writing)
    assert sum(files.syncs.counts) == 1
