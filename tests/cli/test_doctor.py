"""What will bite here?"""

import json
from pathlib import Path

import pytest

from kglb.cli.doctor import render
from kglb.cli.output import Paint
from kglb.doctor.finding import note, problem
from tests.cli.conftest import Command
from tests.doctor.test_gather import config


def test_a_machine_without_problems_is_0(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("doctor", config(tmp_path))
    assert ran.code == 0
    assert ran.out.splitlines()[-1].startswith("0 problems, ")


def test_a_problem_is_1_with_its_reason_and_its_cure(kglb: Command, tmp_path: Path) -> None:
    path = config(tmp_path)
    path.chmod(0o606)
    ran = kglb("doctor", path)
    assert ran.code == 1
    assert f"problem: everybody may write {path}\n  why: " in ran.out
    assert f"  fix: chmod o-w {path}\n" in ran.out


def test_findings_as_json(kglb: Command, tmp_path: Path) -> None:
    path = config(tmp_path)
    path.chmod(0o606)
    (finding,) = [each for each in json.loads(kglb("doctor", path, "-o", "json").out) if each["level"] == "problem"]
    assert finding["fix"] == f"chmod o-w {path}"


def test_a_wrong_config_is_2(kglb: Command, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("balancer = 3")
    assert kglb("doctor", path).code == 2


@pytest.mark.parametrize(
    ("findings", "last"),
    [([], "0 problems, 0 notes"), ([problem("a", "b"), note("c", "d", advice="e")], "1 problem, 1 note")],
)
def test_findings_are_counted(findings: list[object], last: str) -> None:
    assert render(findings, Paint(enabled=False))[-1] == last  # type: ignore[arg-type]
