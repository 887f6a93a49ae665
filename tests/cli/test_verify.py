"""``verify`` on the command line."""

import json
from pathlib import Path

import pytest

from kglb.events import BalancerDecided
from tests.actors.virtual import run
from tests.actors.world import world
from tests.cli.conftest import Command
from tests.projections.builders import balancer, config
from tests.replay.tampering import changing, rewrite


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A daemon's own."""

    async def main() -> None:
        async with world(tmp_path / "daemon", config(balancer())):
            pass

    run(main())
    return tmp_path / "daemon"


@pytest.fixture
def tampered(journal: Path, tmp_path: Path) -> Path:
    """One in which a decision is another."""
    return rewrite(journal, tmp_path / "tampered", changing(BalancerDecided, mode="failsafe"))


def test_what_comes_out_the_same_is_counted(kglb: Command, journal: Path) -> None:
    ran = kglb("verify", journal)
    assert ran.code == 0
    assert ran.out.startswith("identical: ")
    assert "decisions" in ran.out


def test_a_difference_is_shown_with_both_sides(kglb: Command, tampered: Path) -> None:
    ran = kglb("verify", "--utc", tampered)
    assert ran.code == 1
    first, where, recorded, decided, _ = ran.out.splitlines()
    assert first == "different:"
    assert "BalancerDecided: web (tcp://192.168.100.10:80)" in where
    assert " ".join(recorded.split()) == "recorded mode failsafe, by version 2 of the decision code"
    assert decided.split() == ["decided", "mode", "initial"]


def test_json_has_all_of_it(kglb: Command, tampered: Path) -> None:
    ran = kglb("verify", "-o", "json", tampered)
    found = json.loads(ran.out)
    assert (ran.code, found["identical"]) == (1, False)
    assert found["difference"]["recorded"] == "mode failsafe"


def test_a_journal_that_is_not_there_is_said(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("verify", tmp_path / "nowhere")
    assert ran.code == 3
    assert "error:" in ran.err
