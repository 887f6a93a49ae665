import os
from datetime import timedelta
from pathlib import Path

import pytest

from kglb.cli.main import main
from kglb.replay.times import record_time
from tests.cli.conftest import Command
from tests.projections.builders import real_id
from tests.replay.incidents import evening
from tests.replay.journals import running


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return evening(tmp_path / "journal", balancers=2, reals=3).directory


def test_the_page_is_written_and_said(journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "incident.html"
    assert main(["report", str(journal), "-o", str(page), "--utc"]) == 0
    assert page.read_text().startswith("<!doctype html>")
    said = capsys.readouterr().out
    assert said.startswith(f"{page}: 2 balancers, 6 reals, ")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_small_page_is_said_to_be_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = evening(tmp_path / "journal", balancers=1, reals=3).directory
    assert main(["report", str(directory), "-o", str(tmp_path / "page.html")]) == 0
    said = capsys.readouterr().out
    assert ": 1 balancer, 3 reals, " in said
    assert ", 0.0 MB" not in said


def test_the_draft_is_nothing_that_somebody_else_could_have_put_there(journal: Path, tmp_path: Path) -> None:
    page, stolen = tmp_path / "incident.html", tmp_path / "stolen"
    (tmp_path / f".incident.html.{os.getpid()}").symlink_to(stolen)
    assert main(["report", str(journal), "-o", str(page), "--utc"]) == 0
    assert not stolen.exists()
    assert not page.is_symlink()


def test_a_dash_writes_to_stdout(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(journal), "-o", "-"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("</html>")


def test_several_journals_make_one_page(journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(journal), str(journal), "-o", str(tmp_path / "both.html")]) == 0
    assert "4 balancers, 12 reals" in capsys.readouterr().out


def test_of_a_journal_that_is_written_the_page_goes_on_until_now(
    kglb: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = running(tmp_path / "journal")
    fleet.goes(real_id(0), up=False)
    now = fleet.builder.now + timedelta(hours=1)
    monkeypatch.setattr("kglb.cli.ongoing.record_time", lambda _: record_time(now))

    def end(*arguments: str) -> float:
        page = kglb("report", fleet.builder.directory, "-o", "-", *arguments).out
        return float(page.partition('"end":')[2].partition(",")[0])

    assert end() == fleet.builder.now.timestamp()
    monkeypatch.setattr("kglb.cli.ongoing.writer_of", lambda _: 1)
    assert end() == now.timestamp()
    until = now - timedelta(minutes=5)
    assert end("--until", record_time(until)) == until.timestamp()


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["nowhere"], 3, "nowhere"),
        (["JOURNAL", "--since", "never"], 2, "'never' is not a time"),
        (["JOURNAL", "--until", "2021-01-01"], 2, "no record of that time"),
        (["JOURNAL", "-o", "/nonexistent/page.html"], 3, "/nonexistent/page.html: No such file or directory\n"),
        (["JOURNAL", "-o", "/proc/self"], 3, "/proc/self: "),
    ],
)
def test_what_cannot_be_done_is_one_error(
    journal: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, problem: str
) -> None:
    assert main(["report", *(str(journal) if word == "JOURNAL" else word for word in arguments)]) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert problem in error
