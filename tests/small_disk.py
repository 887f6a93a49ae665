"""A real file system of a megabyte, in a mount namespace of its own; skips where this process may not make one."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

_MOUNT = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"'


def command_on_small_disk(disk: Path, command: Sequence[str], size: str = "1m") -> list[str]:
    """The command line that runs ``command`` where ``disk`` is such a file system, seen by nobody else."""
    disk.mkdir()
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _MOUNT, "sh", size, str(disk)]
    tried = subprocess.run([*inside, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"a mount namespace takes privileges that this process lacks: {tried.stderr.strip()}")
    return [*inside, *command]
