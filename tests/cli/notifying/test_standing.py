"""How far a notifier is, for whoever watches it."""

import time
from pathlib import Path

from kglb.cli.notifying.standing import Standing, standing_from, write_standing
from kglb.replay.place import Place
from tests.packaging.promtool import needs_promtool, run_promtool
from tests.web.builders import Reading

NOON = 1_795_348_800.0
PLACE = Place(1042, "2026-11-22T12:00:00.500000Z", "9ae0f1c2")
STANDING = Standing(PLACE, caught_up=NOON, taken=7, passed_over=2, failed_attempts=5)
LABELS = {"notifier": "chat", "target": "https://chat.example"}


def written(directory: Path, standing: Standing = STANDING, last_seq: int = 1050) -> Path:
    path = directory / "chat.prom"
    write_standing(path, last_seq, standing=standing, target="https://chat.example")
    return path


def test_it_says_what_is_told_what_waits_and_what_failed(tmp_path: Path) -> None:
    found = Reading(written(tmp_path).read_text())
    assert found.value("kglb_notify_told_until_timestamp_seconds", **LABELS) == NOON + 0.5
    assert found.value("kglb_notify_backlog_records", **LABELS) == 8
    assert found.value("kglb_notify_notices_total", **LABELS, result="taken") == 7
    assert found.value("kglb_notify_notices_total", **LABELS, result="passed_over") == 2
    assert found.value("kglb_notify_failed_attempts_total", **LABELS) == 5


def test_all_is_told_up_to_the_last_record_or_up_to_the_last_look_whichever_is_later() -> None:
    assert Standing(PLACE, caught_up=NOON).told_until == NOON + 0.5
    assert Standing(PLACE, caught_up=NOON + 3600).told_until == NOON + 3600


def test_who_starts_again_has_told_no_more_than_the_one_before() -> None:
    assert standing_from(PLACE, 1050).told_until == NOON + 0.5
    assert standing_from(None, 1050).told_until == 0.0


def test_who_begins_with_a_journal_that_is_empty_has_nothing_to_catch_up_with() -> None:
    began = time.time()
    assert began <= standing_from(None, 0).told_until <= time.time()


def test_a_journal_that_was_cut_back_makes_no_backlog_below_zero(tmp_path: Path) -> None:
    found = Reading(written(tmp_path, last_seq=3).read_text())
    assert found.value("kglb_notify_backlog_records", **LABELS) == 0


def test_everybody_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    assert written(tmp_path).stat().st_mode & 0o777 == 0o644


@needs_promtool
def test_promtool_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    run_promtool("check", "metrics", stdin=written(tmp_path).read_text())
