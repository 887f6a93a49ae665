"""The journal in plain sentences."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.projections.builders import real_id
from tests.replay.journals import Fleet, running

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


def test_a_clock_that_stepped_back_leaves_nothing_out_and_keeps_the_order(tail: Command, fleet: Fleet) -> None:
    fleet.builder.passes(minutes=10)
    before = fleet.goes(real_id(0), up=False)
    fleet.builder.steps_clock(hours=-1).passes(minutes=1)
    after = fleet.goes(real_id(0), up=True)

    def seqs(*arguments: str) -> list[int]:
        return [json.loads(line)["seq"] for line in tail("-o", "json", *arguments).out.splitlines()]

    assert seqs("--since", f"{DAY} 14:35") == [*before.values(), *after.values()]
    assert seqs("--until", f"{DAY} 13:45", "-n", "3") == list(after.values())[1:]
    assert seqs("--since", f"{DAY} 14:35", "-r") == [*before.values(), *after.values()][::-1]


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
    assert kglb("tail", "--journal", tmp_path) == (0, "", f"-- No entries: {tmp_path}, no record is in that time --\n")
    assert kglb("tail", "-o", "json", "--journal", tmp_path) == (0, "", "")


def test_a_search_without_a_match_says_what_was_searched(kglb: Command, fleet: Fleet) -> None:
    ran = kglb("tail", "--grep", "no such thing", "--journal", fleet.builder.directory)
    assert ran == (0, "", f"-- No entries: {fleet.builder.directory}, records 1 to {fleet.builder.seq} --\n")


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
        (["real=x"], "expected an address:port, an address, or what the config calls a real"),
        (["web"], "web: expected FIELD=VALUE"),
        (["journal"], "--journal names the journal"),
        (["kind=health"], "kind=health: expected one of type="),
        (["balancre=web"], "balancre=web: did you mean balancer=...?"),
        (["--grep", "("], "'(' is not a regular expression"),
        (["-r", "-f"], "use one of them"),
        (["--show-cursor", "-f"], "use one of them"),
    ],
)
def test_what_is_not_understood_is_2(tail: Command, arguments: list[str], message: str) -> None:
    ran = tail(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err


def test_reverse_is_newest_first(tail: Command) -> None:
    forwards = tail("-n", "5").out.splitlines()
    assert tail("-n", "5", "-r").out.splitlines() == forwards[::-1]
    every = tail("--since", DAY).out.splitlines()
    assert tail("--since", DAY, "-r").out.splitlines() == every[::-1]


def test_grep_is_about_the_sentence(tail: Command) -> None:
    assert tail("--since", DAY, "--grep", "is up: 3").out.count("\n") == 3
    assert tail("--since", DAY, "--grep", r"10\.0\.0\.1:80 IS up").out == ""
    assert tail("--grep", "director", "-n", "1", "-o", "cat").out.startswith("the daemon started on director")
    assert "10.0.0.3:80 is up" in tail("-n", "1", "--grep", "is up", "type=HealthChanged").out


def test_a_cursor_leaves_nothing_out_and_shows_nothing_twice(tail: Command, fleet: Fleet) -> None:
    first = tail("--show-cursor").out
    seq = fleet.builder.seq
    assert first.endswith(f"-- to continue: --after {seq}\n")
    assert tail("--after", seq).out == ""
    fleet.goes(real_id(0), up=False)
    later = tail("--after", seq, "-o", "json").out.splitlines()
    assert [json.loads(line)["seq"] for line in later] == [20, 21, 22, 23]
    assert tail("--after", seq, "--show-cursor").out.endswith("--after 23\n")


def test_causes_are_below_what_they_led_to_and_only_once(tail: Command, fleet: Fleet) -> None:
    fleet.goes(real_id(0), up=False)
    ran = tail("-n", "1", "--causes").out.replace(f"{DAY} ", "")
    assert ran.splitlines() == [
        "14:30:04.023      23  kernel   web  the kernel has done (0.2 ms): 10.0.0.1:80 by masquerade, weight 0",
        "  <- 21  14:30:04.021  health  10.0.0.1:80 is down: 2 failures in a row, connection refused (run since 20)",
        "    <- 20  14:30:03.020  probe  10.0.0.1:80 fails its checks now: connection refused",
    ]
    (line,) = tail("-n", "1", "--causes", "-o", "json").out.splitlines()
    assert [record["seq"] for record in json.loads(line)["causes"]] == [21, 20]


def test_following_goes_on_over_a_new_segment_and_ends_with_until(
    tail: Command, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: Iterator[Callable[[], int]] = iter(
        [
            lambda: fleet.goes(real_id(0), up=False)["run"],
            fleet.builder.rotate,
            lambda: fleet.goes(real_id(0), up=True)["run"],
            lambda: fleet.builder.passes(hours=1).rotate(),
        ]
    )

    def sleep(_: float) -> None:
        next(steps)()

    monkeypatch.setattr("kglb.cli.tail.time.sleep", sleep)
    ran = tail("-f", "-n", "0", "--until", f"{DAY} 15:00", "-o", "json")
    assert [json.loads(line)["seq"] for line in ran.out.splitlines()] == list(range(20, 29))


def test_several_journals_are_merged_by_time_and_named_by_host(kglb: Command, tmp_path: Path) -> None:
    one = running(tmp_path / "one", host="lb1")
    two = running(tmp_path / "two", host="director2")
    one.builder.passes(milliseconds=0.5)
    one.goes(real_id(0), up=False)
    two.goes(real_id(0), up=False)
    both = ("--journal", one.builder.directory, "--journal", two.builder.directory)
    lines = kglb("tail", "--utc", "-n", "4", *both).out.replace(f"{DAY} ", "").splitlines()
    assert [line.split()[1:3] for line in lines] == [
        ["director2", "22"],
        ["lb1", "22"],
        ["director2", "23"],
        ["lb1", "23"],
    ]
    assert lines[1].startswith("14:30:04.022  lb1            22  weights  web")
    newest = kglb("tail", "--utc", "-n", "4", "-r", *both).out.replace(f"{DAY} ", "").splitlines()
    assert newest == lines[::-1]
    found = [json.loads(line) for line in kglb("tail", "-o", "json", "-n", "2", *both).out.splitlines()]
    assert [record["host"] for record in found] == ["director2", "lb1"]
    assert kglb("tail", "--after", 1, *both).code == 2


def test_several_journals_of_one_host_are_named_by_their_paths(kglb: Command, tmp_path: Path) -> None:
    paths = [running(tmp_path / name).builder.directory for name in ("one", "two")]
    ran = kglb("tail", "-n", "2", "--journal", paths[0], "--journal", paths[1])
    assert all(ran.out.count(f"  {path}  ") == 1 for path in paths)


def test_a_balancer_that_one_of_several_journals_has_is_enough(kglb: Command, tmp_path: Path) -> None:
    one = running(tmp_path / "one", host="lb1", name="api")
    two = running(tmp_path / "two", host="lb2")
    both = ("--journal", one.builder.directory, "--journal", two.builder.directory)
    ran = kglb("tail", "balancer=api", *both)
    assert ran.code == 0
    assert "lb1" in ran.out
    assert "lb2" not in ran.out
    assert kglb("tail", "balancer=mail", *both).code == 2


def test_what_follows_in_several_journals_is_merged(
    kglb: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = running(tmp_path / "one", host="lb1"), running(tmp_path / "two", host="lb2")

    def grow(_: float) -> None:
        monkeypatch.setattr("kglb.cli.tail.time.sleep", lambda _: one.builder.passes(hours=1).rotate())
        two.flip(real_id(1), "failure")
        one.builder.passes(seconds=1)
        one.flip(real_id(1), "failure")

    monkeypatch.setattr("kglb.cli.tail.time.sleep", grow)
    both = ("--journal", one.builder.directory, "--journal", two.builder.directory)
    ran = kglb("tail", "-f", "-n", "0", "--until", f"{DAY}T15:00:00Z", "-o", "json", *both)
    assert [json.loads(line)["host"] for line in ran.out.splitlines()] == ["lb2", "lb1"]
