"""``make demo``: what it claims happened, and the incident it leaves can be asked about elsewhere."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from lab.incident import ANSWERS, COPY, Kept
from lab.incident import main as ask_again
from lab.kernel import missing_tools
from lab.narration import Narrator

pytestmark = pytest.mark.skipif(bool(missing_tools()), reason=f"without {', '.join(missing_tools())}: `make setup`")


class Demo:
    """One run of the demo, in a lab kernel, and what it left."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        lab = [sys.executable, "-m", "lab", "run", "--timeout", "600", "--share", str(directory), "--"]
        demo = [sys.executable, "-m", "lab.demo", str(directory)]
        self.done = subprocess.run([*lab, *demo], capture_output=True, text=True, timeout=630, check=False)

    def claims(self) -> list[str]:
        return [line for line in self.done.stdout.splitlines() if line.startswith(("  ok ", "  NOT SO "))]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return Demo(tmp_path_factory.mktemp("demo"))


def numbers(pattern: str, text: str) -> Sequence[str]:
    found = re.search(pattern, text)
    assert found, text
    return found.groups()


def test_everything_that_the_demo_claims_happened(demo: Demo) -> None:
    assert demo.done.returncode == 0, demo.done.stdout + demo.done.stderr
    assert demo.claims()
    assert all(claim.startswith("  ok ") for claim in demo.claims())


def test_requests_fail_only_until_the_dead_real_is_drained(demo: Demo) -> None:
    (failed, rest) = numbers(r"(\d+) requests failed in that time; of the \d+ since, (\d+) failed", demo.done.stdout)
    (requests, in_all) = numbers(r"in all (\d+) requests; (\d+) failed", demo.done.stdout)
    (seconds,) = numbers(r"from the kill to weight 0 in the kernel: (\d+\.\d+) s", demo.done.stdout)
    assert rest == "0"
    assert failed == in_all
    assert int(requests) > 100
    assert float(seconds) > 0.4


def test_the_table_has_a_row_for_each_second_with_what_happened_in_it(demo: Demo) -> None:
    rows = [line for line in demo.done.stdout.splitlines() if re.match(r" +\d+ +\d+ +\d+ ", line)]
    assert len(rows) >= 15
    assert [int(row.split()[0]) for row in rows] == list(range(1, len(rows) + 1))
    assert sum("<- real1 killed" in row for row in rows) == 1
    assert sum("real1: weight 0 -> 1000" in row for row in rows) == 1


def test_the_journal_says_why_the_real_was_drained(demo: Demo) -> None:
    assert re.search(r"10\.2\.0\.11:80 in web has weight 0 .*refused", demo.done.stdout)


def test_without_a_terminal_there_is_no_colour(demo: Demo) -> None:
    assert "\x1b" not in demo.done.stdout


def test_the_copied_journal_answers_on_the_host_as_the_original_did_in_the_lab(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask_again(demo.directory) == 0
    printed = capsys.readouterr().out
    assert "3 of 3 answers" in printed
    assert "available, 2 of 3 up" in printed


def test_an_answer_that_differs_is_noticed(demo: Demo, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = msgspec.json.decode((demo.directory / ANSWERS).read_bytes(), type=list[Kept])
    other = [*kept[:-1], Kept(kept[-1].question, {**kept[-1].answer, "seq": 1})]
    (tmp_path / COPY).symlink_to(demo.directory / COPY)
    (tmp_path / ANSWERS).write_bytes(msgspec.json.encode(other))
    assert ask_again(tmp_path) == 1
    assert "NOT SO  2 of 3 answers" in capsys.readouterr().out


def test_a_claim_that_does_not_hold_is_said_so_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    narrator = Narrator()
    narrator.claim("the sun rose", holds=True)
    narrator.claim("it rained", holds=False)
    assert narrator.broken == 1
    assert capsys.readouterr().out == "  ok      the sun rose\n  NOT SO  it rained\n"
