"""A file system that is really full, not one that a test says is."""

import json
import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE
from tests.small_disk import command_on_small_disk


def test_a_full_file_system_loses_only_what_the_buffer_cannot_hold_and_says_so(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    command = command_on_small_disk(disk, [sys.executable, "-m", "tests.journal.full_disk", str(disk)])
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=5 * PATIENCE, check=False, cwd=Path(__file__).parents[2]
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    kept, overrun = found["kept"], found["overrun"]
    assert "No space left on device (ENOSPC)" in kept["reasons"][0]
    assert (kept["recovered"], kept["texts"], kept["lost"]) == (True, 202, 0)
    assert overrun["recovered"]
    assert overrun["lost"] > 0
    assert overrun["texts"] + overrun["lost"] == 202
    assert (kept["last"], overrun["last"]) == ("last", "last")
