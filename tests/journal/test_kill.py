"""``kill -9``, two hundred times, while another process tails."""

import json
import subprocess
import sys
from pathlib import Path

from tests.patience import PATIENCE

ROUNDS = 200


def test_killed_at_any_moment_a_writer_loses_nothing_and_a_tail_sees_nothing_wrong(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.journal.kill_loop", str(tmp_path), str(ROUNDS)],
        capture_output=True,
        text=True,
        timeout=20 * PATIENCE,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    found = json.loads(ended.stdout)
    assert found["lost"] == []
    assert found["tail"] == {"wrong": [], "last": found["read"]}
    assert (found["in_order"], found["right"]) == (True, True)
    assert found["read"] >= found["acknowledged"] > 0
    assert found["rounds_with_acknowledgements"] > ROUNDS / 4
