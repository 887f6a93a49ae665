"""The same seed makes the same journal, byte for byte."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.report import run
from sim.simulation import Plan
from tests.patience import PATIENCE


def line_of(seed: int, hash_seed: str) -> str:
    """The digest of the journal as another process makes it."""
    command = [sys.executable, "-m", "sim", "--seed", str(seed)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    printed = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=10 * PATIENCE, check=True
    ).stdout
    return printed.split()[-1]


@pytest.mark.parametrize("seed", [5, 13])
def test_the_same_seed_makes_the_same_journal_in_any_process(seed: int) -> None:
    here = run(Plan(seed)).digest[:16]
    assert line_of(seed, "1") == line_of(seed, "2") == here


def test_another_seed_makes_another_journal() -> None:
    assert run(Plan(1)).digest != run(Plan(2)).digest


def test_no_journal_says_where_the_code_lies(tmp_path: Path) -> None:
    run(Plan(4, kinds=("a checker crashes",)), keep=tmp_path)
    journal = b"".join(segment.read_bytes() for segment in tmp_path.glob("*.jsonl"))
    assert b"ActorCrashed" in journal
    assert b".py" not in journal
