"""The incident drill, shortened: what its journal says is what happened, here and in another kernel."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from lab import postmortem
from lab.kernel import missing_tools
from lab.postmortem import Drilled

pytestmark = pytest.mark.skipif(bool(missing_tools()), reason=f"without {', '.join(missing_tools())}: `make setup`")

FALL = "7"
"""Far from what the flaps last, and from what the long faults do: on a busy machine these are the same drill."""

SLACK = 2.0
TIMEOUT = 600
INTERVAL = "1"
"""Seconds between two checks, and so how long one may take: too long for a busy machine to miss two in a row."""


@contextmanager
def in_lab(directory: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Python in a lab kernel of its own."""
    lab = [sys.executable, "-m", "lab", "run", "--timeout", str(TIMEOUT), "--share", str(directory), "--"]
    with subprocess.Popen(
        [*lab, sys.executable, "-m", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def ended_well(process: "subprocess.Popen[str]") -> None:
    printed, _ = process.communicate(timeout=TIMEOUT + 30)
    assert process.returncode == 0, printed
    assert "NOT SO" not in printed


@pytest.fixture(scope="module")
def drills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same drill twice, side by side: with fall = 2 in ``first``, and with fall = FALL in ``second``."""
    directory = tmp_path_factory.mktemp("drills")
    with (
        in_lab(directory, "lab.drill", str(directory / "first"), "--interval", INTERVAL) as first,
        in_lab(directory, "lab.drill", str(directory / "second"), "--interval", INTERVAL, "--fall", FALL) as second,
    ):
        ended_well(first)
        ended_well(second)
    return directory


def test_the_journal_says_what_happened_and_foretells_the_other_drill(
    drills: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = postmortem.main(drills / "first", drills / "second", slack=SLACK)
    assert status == 0, capsys.readouterr().out


def test_played_into_another_kernel_it_ends_where_the_first_one_did(drills: Path) -> None:
    with in_lab(drills, "lab.reenact", str(drills / "first")) as process:
        ended_well(process)


def test_another_cause_than_the_true_one_is_noticed(drills: Path) -> None:
    drilled = Drilled(drills / "first")
    down = next(line for line in drilled.of("HealthChanged") if not line["event"]["healthy"])
    assert drilled.explains(down)
    drilled.account.faults = [replace(fault, reason="weather") for fault in drilled.account.faults]
    assert not drilled.explains(down)
