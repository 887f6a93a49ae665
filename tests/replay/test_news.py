"""A journal read by somebody who is to miss nothing, whatever becomes of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree

import pytest

from kglb.events import DaemonStopping, JournalRepaired
from kglb.replay.news import RECHECK, News, Step, Wanted
from kglb.replay.notices import MISSED, Notice
from kglb.replay.place import Place
from kglb.replay.selection import FilterError
from kglb.replay.times import Moment
from tests.projections.builders import DNS, WEB, applied, balancer, real_id
from tests.replay.journals import Fleet, JournalBuilder, running

A, B, C = real_id(0), real_id(1), real_id(2)
NOW = "2026-11-22T20:00:00.000000Z"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Reader:
    """Follows a journal and notes how far it is."""

    def __init__(
        self, directory: Path, place: Place | None = None, since: str = "", wanted: Wanted | None = None
    ) -> None:
        self.clock = Clock()
        self.news = News(directory, wanted or Wanted(), monotonic=self.clock, now=lambda: NOW)
        self.place = place or self.news.beginning(Moment(since, since) if since else None)
        self._steps: Iterator[Step | None] = self.news.steps(self.place)

    def told(self) -> list[Notice]:
        """What is told of all there is now."""
        notices = []
        while (step := next(self._steps)) is not None:
            self.place = step.place
            if step.notice is not None:
                notices.append(step.notice)
        return notices

    def later(self) -> list[Notice]:
        """What is told of all there is, after so long that it has looked at the journal anew."""
        self.clock.now += RECHECK
        return self.told() + self.told()


def types(notices: list[Notice]) -> list[str]:
    return [notice.type for notice in notices]


def test_a_notice_says_what_it_is_about_and_what_led_to_it(fleet: Fleet) -> None:
    reader = Reader(fleet.builder.directory)
    seqs = fleet.goes(A, up=False)
    (notice,) = reader.told()
    assert (notice.host, notice.seq, notice.type, notice.tone) == ("director", seqs["health"], "HealthChanged", "bad")
    assert (notice.balancer, notice.service, notice.real) == ("web", WEB, A)
    assert notice.text == f"{A} is down: 2 failures in a row, connection refused (run since {seqs['run']})"
    assert [(led.seq, led.text) for led in notice.causes] == [
        (seqs["run"], f"{A} fails its checks now: connection refused")
    ]
    assert notice.event is not None
    assert notice.at < NOW


def test_it_begins_with_what_comes_unless_told_since_when(fleet: Fleet) -> None:
    assert Reader(fleet.builder.directory).told() == []
    seen = Reader(fleet.builder.directory, since="2026-11-22").told()
    assert types(seen) == ["DaemonStarted", "HealthChanged", "BalancerDecided", "HealthChanged", "HealthChanged"]


def test_of_an_empty_journal_it_tells_all_that_comes(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    reader = Reader(tmp_path / "journal")
    assert reader.told() == []
    running(tmp_path / "journal")
    assert types(reader.told())[0] == "DaemonStarted"


def test_of_decisions_those_that_change_the_mode_are_told(fleet: Fleet) -> None:
    reader = Reader(fleet.builder.directory, wanted=Wanted(pattern=re.compile("up")))
    fleet.goes(A, up=False)
    fleet.decide("failsafe", {}, 1)
    fleet.decide("failsafe", {B: 7}, 1)
    fleet.decide("available", {}, 1)
    assert [notice.text.partition(",")[0] for notice in reader.told()] == ["failsafe", "available"]


def test_the_mode_before_is_known_from_the_checkpoint_and_what_followed(fleet: Fleet) -> None:
    fleet.decide("failsafe", {}, 1)
    fleet.builder.rotate()
    one = Reader(fleet.builder.directory)
    fleet.decide("failsafe", {}, 1)
    two = Reader(fleet.builder.directory)
    fleet.decide("failsafe", {}, 1)
    assert one.told() == two.told() == []


def test_a_type_that_is_named_is_told_whole_and_everything_is_everything(fleet: Fleet) -> None:
    decisions = Reader(fleet.builder.directory, wanted=Wanted(terms=(("type", "BalancerDecided"), ("real", A))))
    every = Reader(fleet.builder.directory, wanted=Wanted(everything=True))
    fleet.goes(A, up=False)
    fleet.goes(B, up=False)
    assert types(decisions.told()) == ["BalancerDecided"]
    assert types(every.told()) == ["ProbeFlipped", "HealthChanged", "BalancerDecided", "OperationsApplied"] * 2


def test_a_balancer_is_followed_when_another_service_gets_its_name(fleet: Fleet) -> None:
    reader = Reader(fleet.builder.directory, wanted=Wanted(terms=(("balancer", "web"), ("type", "HealthChanged"))))
    fleet.builder.record(applied(balancer(WEB, 3, name="old"), balancer(DNS, 1, name="web")))
    fleet.goes(A, up=False)
    other = Fleet(fleet.builder, balancer(DNS, 1, name="web"))
    other.add()
    other.judge(A, streak=3, run=other.flip(A, "success"))
    assert [notice.service for notice in reader.told()] == [DNS]


def test_a_balancer_that_leaves_is_still_known(fleet: Fleet) -> None:
    reader = Reader(fleet.builder.directory, wanted=Wanted(terms=(("balancer", "web"),)))
    fleet.builder.record(applied(balancer(DNS, 1, name="dns")))
    fleet.judge(A, streak=-2, run=1)
    assert types(reader.told()) == ["HealthChanged"]


def test_a_filter_that_is_not_understood_is_said_at_once(fleet: Fleet) -> None:
    with pytest.raises(FilterError):
        Reader(fleet.builder.directory, wanted=Wanted(terms=(("balancer", "wep"),)))


def test_what_reals_that_fail_together_are_told_with_is_not_looked_for_one_by_one(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(fleet.builder.directory)
    fleet.goes(A, up=True)
    reader.told()  # the names have been looked up
    runs = [fleet.flip(real, "failure") for real in (A, B, C)]
    changes = [fleet.judge(real, streak=-2, run=run) for real, run in zip((A, B, C), runs, strict=True)]
    fleet.decide("failsafe", {}, changes[-1])
    monkeypatch.setattr("kglb.replay.source.Source.record", None)
    told = reader.told()
    assert [[led.seq for led in notice.causes] for notice in told] == [*([run] for run in runs), [changes[2], runs[2]]]


# --- coming back --------------------------------------------------------------------------------------------------


def test_who_comes_back_is_told_what_came_meanwhile_and_nothing_twice(fleet: Fleet) -> None:
    place = Reader(fleet.builder.directory).place
    fleet.goes(A, up=False)
    fleet.builder.rotate()
    fleet.goes(A, up=True)
    reader = Reader(fleet.builder.directory, place)
    assert types(reader.told()) == ["HealthChanged", "HealthChanged"]
    assert Reader(fleet.builder.directory, reader.place).told() == []


def test_records_that_were_pruned_before_they_were_told_are_said(fleet: Fleet) -> None:
    place = Reader(fleet.builder.directory).place
    oldest = fleet.builder.path
    fleet.goes(A, up=False)
    first = fleet.builder.rotate()
    fleet.goes(A, up=True)
    oldest.unlink()
    assert place is not None
    missed, back = Reader(fleet.builder.directory, place).told()
    assert (missed.type, missed.at, missed.event) == (MISSED, NOW, None)
    assert missed.text == (
        f"records {place.seq + 1} to {first - 1} went from the journal before anybody was told of them"
    )
    assert back.type == "HealthChanged"


def test_a_prune_up_to_what_was_told_is_no_loss(fleet: Fleet) -> None:
    fleet.goes(A, up=False)
    place = Reader(fleet.builder.directory).place
    oldest = fleet.builder.path
    fleet.builder.rotate()
    fleet.goes(A, up=True)
    oldest.unlink()
    assert types(Reader(fleet.builder.directory, place).told()) == ["HealthChanged"]


def test_another_journal_in_its_place_is_said_and_told_from_the_time_on(fleet: Fleet) -> None:
    fleet.goes(A, up=False)
    place = Reader(fleet.builder.directory).place
    rmtree(fleet.builder.directory)
    again = JournalBuilder(fleet.builder.directory, host="other")
    again.record(DaemonStopping(reason="long ago", on_stop="leave"))
    again.passes(hours=1).record(DaemonStopping(reason="SIGTERM", on_stop="leave"))
    reader = Reader(fleet.builder.directory, place)
    missed, stopped = reader.told()
    assert place is not None
    assert missed.type == MISSED
    assert f"does not have record {place.seq} of {place.at} as it was read" in missed.text
    assert (stopped.host, stopped.type) == ("other", "DaemonStopping")
    assert "SIGTERM" in stopped.text


def test_a_journal_that_is_longer_and_another_is_known_by_its_checksums(tmp_path: Path) -> None:
    place = Reader(running(tmp_path / "one").builder.directory).place
    other = running(tmp_path / "two", service=DNS)
    other.goes(A, up=False)
    assert types(Reader(other.builder.directory, place).told()) == [MISSED, "HealthChanged"]


def test_a_journal_that_is_replaced_while_it_is_read_is_noticed_and_said_once(fleet: Fleet) -> None:
    reader = Reader(fleet.builder.directory)
    reader.told()
    rmtree(fleet.builder.directory)
    fleet.builder.directory.mkdir()
    assert reader.later() == []
    again = JournalBuilder(fleet.builder.directory)
    assert types(reader.later()) == [MISSED]
    assert reader.later() == []
    again.passes(hours=1).record(DaemonStopping(reason="SIGTERM", on_stop="leave"))
    assert types(reader.later()) == ["DaemonStopping"]


def test_a_journal_cut_back_is_said_once_and_followed(fleet: Fleet) -> None:
    reader = Reader(fleet.builder.directory)
    fleet.goes(A, up=False)
    reader.told()
    lines = fleet.builder.text().splitlines(keepends=True)
    fleet.builder.path.write_bytes(b"".join(lines[:-2]))
    assert types(reader.later()) == [MISSED]
    assert reader.later() == []


# --- while it is read ---------------------------------------------------------------------------------------------


def test_a_prune_that_overtakes_the_reader_is_said(fleet: Fleet) -> None:
    reader = Reader(fleet.builder.directory)
    reader.told()
    behind = [fleet.builder.path]
    fleet.builder.rotate()
    behind.append(fleet.builder.path)
    fleet.goes(A, up=False)
    first = fleet.builder.rotate()
    for segment in behind:
        segment.unlink()
    fleet.goes(A, up=True)
    missed, back = reader.told()
    assert f"to {first - 1} went from the journal" in missed.text
    assert back.type == "HealthChanged"


def test_damage_is_said_in_its_place_and_read_past(fleet: Fleet) -> None:
    reader = Reader(fleet.builder.directory, since="2026-11-22")
    path = fleet.builder.path
    path.write_bytes(path.read_bytes().replace(b'"streak":3', b'"streak":4', 1))
    told = types(reader.told())
    assert told[:2] == ["DaemonStarted", MISSED]
    assert "HealthChanged" in told[2:]


def test_a_repair_is_news(fleet: Fleet) -> None:
    reader = Reader(fleet.builder.directory)
    repaired = JournalRepaired(file="1.jsonl", seq=20, size=7, kept_as="1.jsonl.broken", reason="torn")
    fleet.builder.record(repaired)
    assert types(reader.told()) == ["JournalRepaired"]
