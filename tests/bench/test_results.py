"""What a run of the measurements keeps can be read again, and says the same in the manual's tables."""

from pathlib import Path

import msgspec
import pytest

from bench import publish, results
from bench.arena import Death, Reaction, Steady, percentile
from bench.capacity import Row, table
from bench.contest.inside import Found, Lost
from bench.contest.race import Race
from bench.contest.tables import tables

RACE = Race(
    program="kglb-actors",
    reals=1000,
    starts=[1.5, 1.4, 1.9],
    steady=Steady(998.0, [0.3, 0.2], 33.0, (0.1, 4.0, 9.0)),
    deaths=[Death(Reaction(3.0, 2.0), Reaction(5.0, 1.0))],
    masses=[1.0],
    reloads=[0.1],
)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = list(map(float, range(1, 101)))
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (50.0, 99.0, 7.0)


def test_a_race_shows_the_median_with_lowest_and_highest() -> None:
    text = tables([Found(race=RACE)])
    assert "1.50 s (1.40 to 1.90)" in text
    assert "| 0.1 / 4.0 / 9.0 | 0.25 s (0.20 to 0.30) |" in text


def test_a_race_that_was_not_finished_says_why() -> None:
    text = tables([Found(race=RACE), Found(lost=Lost("ldirectord", 100, "not up"))])
    assert "| 100 | ldirectord | not up |" in text


def test_reals_that_nobody_saw_die_show() -> None:
    assert "999 of 1,000: 4.00 s" in table([Row(1000, "tcp", "refused", all_down_seconds=4.0, seen_down=999)])


def test_what_was_kept_is_drawn_again_between_its_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- bench: capacity -->\nold\n<!-- end -->\nafter\n")
    monkeypatch.setattr(results, "DIRECTORY", tmp_path)
    monkeypatch.setattr(publish, "DIRECTORY", tmp_path)
    monkeypatch.setattr(publish, "PAGE", page)
    results.keep("capacity", "python -m bench.capacity", [Row(1000, "tcp", "steady", marked_down=0)])
    assert publish.main() == 0
    text = page.read_text()
    assert "old" not in text
    assert text.startswith("before\n<!-- bench: capacity -->\n`python -m bench.capacity`, ")
    assert text.endswith("<!-- end -->\nafter\n")
    assert "| 1,000 | tcp | steady |" in text


def test_samples_survive_being_kept() -> None:
    assert msgspec.json.decode(msgspec.json.encode(Found(race=RACE)), type=Found).race == RACE
