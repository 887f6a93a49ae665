"""The journal in plain sentences."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.projections.builders import real_id
from tests.replay.journals import Fleet

DAY = "2026-11-22"


@pytest.fixture
def tail(kglb: Command, fleet: Fleet) -> Command:
    def run(*arguments: object) -> object:
        return kglb("tail", "--utc", "--journal", fleet.builder.directory, *arguments)

    return run  # type: ignore[return-value]


def test_a_line_has_time_number_kind_balancer_and_a_sentence(tail: Command, fleet: Fleet) -> None:
    fleet.goes(real_id(0), up=False)
    line = tail("-n", "1", "type=HealthChanged").out
    assert line.endswith(
        "14:30:04.021      21  health   web  10.0.0.1:80 is down: 2 failures in a row, connection refused "
        "(run since 20)\n"
    )


def test_twenty_records_are_shown_unless_told_otherwise(tail: Command, fleet: Fleet) -> None:
    fleet.goes(real_id(0), up=False)
    assert tail().out.count("\n") == 20
    assert tail("-n", "3").out.count("\n") == 3
    assert tail("-n", "0").out == ""


def test_since_and_until_bound_what_is_shown(tail: Command, fleet: Fleet) -> None:
    fleet.builder.passes(minutes=10)
    fleet.goes(real_id(0), up=False)
    assert tail("--since", f"{DAY} 14:40").out.count("\n") == 4
    assert tail("--since", f"{DAY} 14:30", "--until", f"{DAY} 14:40").out.count("\n") == 19
    assert tail("--since", f"{DAY} 14:30", "-n", "2").out == tail("-n", "2").out
    assert tail("--until", "2020-01-01").out == tail("--since", "2030-01-01").out == ""


def test_a_time_copied_from_a_line_finds_that_line(tail: Command) -> None:
    copied = f"{DAY} 14:30:01.009"
    ran = tail("--since", copied, "--until", copied)
    assert ran.out.count("\n") == 1
    assert "10.0.0.1:80 is up" in ran.out


def test_filters_may_be_words_or_options(tail: Command) -> None:
    words = tail("type=HealthChanged", "balancer=web", "real=10.0.0.2").out
    options = tail("--type", "HealthChanged", "--balancer", "web", "--real", "10.0.0.2").out
    assert words == options
    assert "10.0.0.2:80 is up" in words
    assert words.count("\n") == 1


def test_json_is_a_record_a_line_as_it_stands_in_the_journal(tail: Command, fleet: Fleet) -> None:
    printed = tail("-o", "json", "-n", "3").out.splitlines()
    written = fleet.builder.text().splitlines()[-3:]
    assert [json.loads(line) for line in printed] == [json.loads(line) for line in written]


def test_cat_is_the_sentence_alone(tail: Command) -> None:
    assert tail("-o", "cat", "-n", "1").out == "the kernel has done (0.2 ms): 10.0.0.3:80 by masquerade, weight 1000\n"


def test_an_empty_journal_has_nothing_to_show(kglb: Command, tmp_path: Path) -> None:
    assert kglb("tail", "--journal", tmp_path) == (0, "", "")


def test_a_journal_that_is_not_there_is_3(kglb: Command, tmp_path: Path) -> None:
    ran = kglb("tail", "--journal", tmp_path / "nothing")
    assert ran.code == 3
    assert f"{tmp_path / 'nothing'}: expected a journal's directory" in ran.err
    assert "journal.directory" in ran.err


def test_damage_is_named_by_file_line_and_record(tail: Command, fleet: Fleet) -> None:
    path = fleet.builder.path
    path.write_bytes(path.read_bytes().replace(b'"streak":3', b'"streak":4', 1))
    ran = tail("--since", DAY)
    assert ran.code == 3
    assert f"the journal is damaged in {path}, line 9, seq 9: the checksum does not match" in ran.err
    assert "--seq 8" in ran.err
    assert ran.out.count("\n") == 8


def test_salvage_reads_past_damage_and_says_where(tail: Command, fleet: Fleet) -> None:
    path = fleet.builder.path
    path.write_bytes(path.read_bytes().replace(b'"streak":3', b'"streak":4', 1))
    ran = tail("--since", DAY, "--salvage")
    assert ran.code == 0
    assert "line 9, seq 9" in ran.err
    assert ran.out.count("\n") >= fleet.builder.seq - 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "soon"], "'soon' is not a time: expected"),
        (["type=HealthChange"], "did you mean HealthChanged?"),
        (["balancer=wep"], "there is no balancer of that name; there is web"),
        (["real=x"], "expected an address:port or an address"),
        (["web"], "web=: expected one of type="),
    ],
)
def test_what_is_not_understood_is_2(tail: Command, arguments: list[str], message: str) -> None:
    ran = tail(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
