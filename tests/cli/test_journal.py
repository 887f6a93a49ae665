"""``kglb-actors journal``: what it prints, what it changes, and how it ends."""

import json
import os
from pathlib import Path

import pytest

from journal import open_journal
from tests.cli.conftest import Command
from tests.projections.builders import real_id
from tests.replay.journals import Fleet

FIXTURES = Path(__file__).parents[1] / "events" / "fixtures"


@pytest.fixture
def journal(fleet: Fleet) -> Path:
    """Two segments; the second begins with record 20."""
    fleet.builder.rotate()
    fleet.goes(real_id(1), up=False)
    return fleet.builder.directory


def harm(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new, 1))


def first_segment(journal: Path) -> Path:
    return min(journal.glob("*.jsonl"))


def test_stat_shows_segments_events_and_what_was_set_aside(kglb: Command, journal: Path) -> None:
    (journal / "00000000000000000001.jsonl.broken").write_bytes(b"half a line")
    ran = kglb("journal", "stat", "--utc", journal)
    assert ran.code == 0
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["nobody", "writes", "it"] in lines
    assert any(line[:2] == ["HealthChanged", "4"] and line[-2:] == ["record", "22"] for line in lines)
    assert ["00000000000000000001.jsonl.broken", "11", "B"] in lines
    assert next(line for line in lines if line[:1] == ["00000000000000000020.jsonl"])[5] == "20..24"


def test_stat_in_json_has_the_same(kglb: Command, journal: Path) -> None:
    found = json.loads(kglb("journal", "stat", "-o", "json", journal).out)
    assert (found["records"], found["writer"], len(found["survey"]["segments"])) == (24, None, 2)
    assert found["survey"]["kinds"]["ProbeFlipped"]["count"] == 4


def test_stat_names_the_writer(kglb: Command, journal: Path) -> None:
    held = open_journal(journal)
    assert f"written by process {os.getpid()}" in kglb("journal", "stat", journal).out
    held.close()


def test_fsck_of_an_intact_journal_is_0(kglb: Command, journal: Path) -> None:
    ran = kglb("journal", "fsck", journal)
    assert (ran.code, ran.out) == (0, "intact: 24 records in 2 segments, 2 checkpoints\n")


def test_fsck_names_file_line_and_record_and_is_1(kglb: Command, journal: Path) -> None:
    path = first_segment(journal)
    harm(path, b'"ProbeFlipped"', b'"probeFlipped"')
    ran = kglb("journal", "fsck", journal)
    assert ran.code == 1
    assert ran.out.startswith(f"damaged: {path}, line 8, seq 8: the checksum does not match")
    assert "journal repair" in ran.out
    (fault,) = json.loads(kglb("journal", "fsck", journal, "-o", "json").out)["faults"]
    assert (fault["file"], fault["line"], fault["seq"]) == (str(path), 8, 8)


def test_fsck_without_a_journal_is_3(kglb: Command, tmp_path: Path) -> None:
    assert kglb("journal", "fsck", tmp_path / "nothing").code == 3


def test_repair_saves_what_is_around_the_damage_and_says_what_is_lost(kglb: Command, journal: Path) -> None:
    path = first_segment(journal)
    harm(path, b'"ProbeFlipped"', b'"probeFlipped"')
    ran = kglb("journal", "repair", journal)
    assert ran.code == 0
    lost, kept, verdict = ran.out.splitlines()
    assert lost.startswith(f"lost: record 8 of {path}: the checksum does not match")
    assert kept == f"kept: {path} as it was, in {path.name}.damaged"
    assert verdict == "intact: 24 records in 2 segments, 2 checkpoints"
    told = kglb("tail", "--journal", journal, "type=RecordsLost", "-o", "cat").out
    assert told.startswith("record 8 was lost, as a repair found: the checksum does not match")


def test_what_a_repair_saved_is_verified_from_the_next_checkpoint_on(kglb: Command, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    journal.mkdir()
    path = journal / "00000000000000000001.jsonl"
    path.write_bytes((FIXTURES / "1-daemon.jsonl").read_bytes())
    assert kglb("verify", journal).code == 0
    harm(path, b'"ProbeFlipped"', b'"probeFlipped"')
    assert kglb("verify", journal).code == 3
    assert kglb("journal", "repair", journal).code == 0
    ran = kglb("verify", journal, "-o", "json")
    assert ran.code == 0
    assert json.loads(ran.out)["gaps"] == 1


def test_an_anonymised_export_is_verified_like_what_it_came_from(kglb: Command, tmp_path: Path) -> None:
    export = tmp_path / "export.jsonl"
    assert kglb("journal", "export", FIXTURES / "1-daemon.jsonl", "--anonymise", "-o", export).code == 0
    assert kglb("verify", export).out == kglb("verify", FIXTURES / "1-daemon.jsonl").out


def test_repair_of_an_intact_journal_changes_nothing(kglb: Command, journal: Path) -> None:
    before = {path.name: path.read_bytes() for path in journal.glob("*.jsonl*")}
    ran = kglb("journal", "repair", journal)
    assert (ran.code, ran.out) == (0, "intact: 24 records in 2 segments, 2 checkpoints\n")
    assert {path.name: path.read_bytes() for path in journal.glob("*.jsonl*")} == before


def test_repair_of_a_live_journal_is_refused(kglb: Command, journal: Path) -> None:
    held = open_journal(journal)
    ran = kglb("journal", "repair", journal)
    held.close()
    assert ran.code == 3
    assert f"{journal} is being written by process {os.getpid()}: stop it" in ran.err


def test_an_export_reads_like_the_journal(kglb: Command, journal: Path, tmp_path: Path) -> None:
    target = tmp_path / "incident.jsonl"
    ran = kglb("journal", "export", journal, "-o", target, "--seq", "10..24")
    assert (ran.code, ran.out) == (0, f"{target}: the state after record 9, and the records up to 24\n")
    assert kglb("journal", "fsck", target).code == 0
    at_24 = [kglb("replay", path, "--seq", 24).out.splitlines()[1:] for path in (journal, target)]
    assert at_24[0] == at_24[1]
    explained = [kglb("explain", real_id(1), "--seq", 24, "--journal", path).out for path in (journal, target)]
    assert explained[0] == explained[1]


def test_an_export_is_bounded_by_times_too(kglb: Command, journal: Path, tmp_path: Path) -> None:
    target = tmp_path / "incident.jsonl"
    bounds = ("--utc", "--since", "2026-11-22T14:30:00.010", "--until", "2026-11-22T14:30:01.012")
    ran = kglb("journal", "export", journal, "-o", target, *bounds)
    assert ran.out.endswith("the state after record 8, and the records up to 12\n")


def test_an_anonymised_export_replays_and_has_no_name_of_ours(kglb: Command, journal: Path, tmp_path: Path) -> None:
    target = tmp_path / "incident.jsonl"
    assert kglb("journal", "export", journal, "-o", target, "--anonymise").code == 0
    text = target.read_text()
    assert [name for name in ("192.168.100.10", "10.0.0.", "web", '"director"') if name in text] == []
    assert "available, 2 of 3 up" in kglb("replay", target).out


def test_an_export_of_nothing_is_2(kglb: Command, journal: Path, tmp_path: Path) -> None:
    target = tmp_path / "incident.jsonl"
    ran = kglb("journal", "export", journal, "-o", target, "--seq", "90..99")
    assert ran.code == 2
    assert f"no record is in that stretch: {journal} holds records 1 to 24" in ran.err
    assert not target.exists()


@pytest.mark.parametrize(
    "arguments", [["export", "-o", "x", "--seq", "9"], ["prune", "--keep-size", "1MB"], ["prune", "--older-than", "7"]]
)
def test_a_bound_that_is_none_is_2(kglb: Command, journal: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        kglb("journal", *arguments, journal)
    assert ended.value.code == 2


def test_an_export_overwrites_nothing(kglb: Command, journal: Path) -> None:
    path = first_segment(journal)
    before = path.read_bytes()
    ran = kglb("journal", "export", journal, "-o", path)
    assert (ran.code, path.read_bytes()) == (2, before)
    assert "exists already" in ran.err


def test_prune_removes_the_oldest_and_never_the_newest(kglb: Command, journal: Path) -> None:
    first, second = sorted(journal.glob("*.jsonl"))
    rehearsed = kglb("journal", "prune", journal, "--keep-size", "1B", "--dry-run")
    assert rehearsed.out.startswith(f"would remove {first.name}")
    assert first.exists()
    assert kglb("journal", "prune", journal, "--keep-size", "1B").out.startswith(f"removed {first.name}")
    assert list(journal.glob("*.jsonl")) == [second]
    assert kglb("journal", "prune", journal, "--keep-size", "1B").out == "removed nothing\n"
    assert kglb("journal", "fsck", journal).code == 0


def test_prune_by_age_and_of_what_was_set_aside(kglb: Command, journal: Path) -> None:
    leftover = journal / "00000000000000000001.jsonl.damaged"
    leftover.write_bytes(b"x")
    assert kglb("journal", "prune", journal, "--older-than", "365d").out == "removed nothing\n"
    assert leftover.exists()
    assert "removed 1 B in all" in kglb("journal", "prune", journal, "--leftovers").out
    assert not leftover.exists()


def test_prune_beside_a_writer_is_safe(kglb: Command, journal: Path) -> None:
    held = open_journal(journal)
    assert kglb("journal", "prune", journal, "--keep-size", "1B").code == 0
    held.close()
    assert len(list(journal.glob("*.jsonl"))) == 1


def test_prune_must_be_told_what_may_go(kglb: Command, journal: Path) -> None:
    ran = kglb("journal", "prune", journal)
    assert ran.code == 2
    assert "--keep-size, --older-than or --leftovers" in ran.err
