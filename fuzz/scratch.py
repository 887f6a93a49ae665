"""Files of a fuzzer: in memory where the machine has a place for it, gone when the process ends."""

import tempfile
from functools import cache
from pathlib import Path

_MEMORY = Path("/dev/shm")


@cache
def _whole() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="kglb-fuzz-", dir=_MEMORY if _MEMORY.is_dir() else None)


def scratch_directory(name: str) -> Path:
    """A directory of that name for this process alone."""
    directory = Path(_whole().name) / name
    directory.mkdir(exist_ok=True)
    return directory
