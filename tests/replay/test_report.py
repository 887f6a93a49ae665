import json
import re
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from kglb.events import DaemonStopping, RealRemoved
from kglb.replay import report as reports
from kglb.replay.errors import OutOfRangeError
from kglb.replay.report import RECORDS, BalancerStory, Report, report
from kglb.replay.report_page import report_page
from kglb.replay.source import Source
from kglb.replay.times import Moment, parse_moment, read_record_time, record_time
from tests.projections.builders import real_id, started
from tests.replay.incidents import evening
from tests.replay.journals import START, Fleet, running

REAL = real_id(0)


def of(*fleets: Fleet) -> Report:
    return report(Source(fleet.builder.directory) for fleet in fleets)


def web(found: Report) -> BalancerStory:
    (balancer,) = found.balancers
    return balancer


def test_a_fall_has_its_conditions_weights_reason_and_counts(fleet: Fleet) -> None:
    fleet.builder.passes(minutes=5)
    fleet.goes(REAL, up=False)
    story = web(of(fleet))
    real = story.reals[REAL]
    assert [now for _, now in real.conditions] == ["waiting", "recovering", "up", "failing", "down"]
    assert [weight for _, weight in real.weights][-2:] == [1000, 0]
    assert real.reasons[-1][1] == "connection refused"
    assert real.conditions[-1][0] - real.conditions[-2][0] == pytest.approx(1.0, abs=0.01)
    assert story.alive[-1][1:] == (2, 3, "available")
    assert story.name == "web"


def test_what_was_done_refused_and_changed_by_others_is_counted(tmp_path: Path) -> None:
    found = report([Source(evening(tmp_path, balancers=3, reals=4).directory)])
    assert (found.counts.failed, found.counts.drift) == (1, 2)
    assert found.counts.applied > 10


def test_since_begins_with_the_state_of_that_time(fleet: Fleet) -> None:
    fleet.builder.passes(minutes=30)
    fleet.goes(REAL, up=False)
    found = report([Source(fleet.builder.directory)], parse_moment("2026-11-22T14:50:00Z", START))
    real = web(found).reals[REAL]
    assert real.conditions[-1][1] == "down"
    assert real.conditions[0][0] == found.begin
    assert [weight for _, weight in real.weights] == [1000, 0]
    assert found.stretches[0].first_seq > 1


def test_it_begins_at_since_though_nothing_was_recorded_then(fleet: Fleet) -> None:
    before = fleet.builder.seq
    fleet.builder.passes(minutes=30)
    fleet.goes(REAL, up=False)
    since = parse_moment("2026-11-22T14:50:00Z", START)
    found = report([Source(fleet.builder.directory)], since)
    assert found.begin == read_record_time(since.first).timestamp()
    assert [event.seq for event in found.events] == list(range(before + 1, fleet.builder.seq + 1))
    assert [now for _, now in web(found).reals[REAL].conditions] == ["up", "failing", "down"]


def test_what_is_under_way_at_the_last_record_goes_on_as_long_as_nothing_else_happened(fleet: Fleet) -> None:
    fleet.goes(REAL, up=False)
    later = fleet.builder.now + timedelta(hours=1)
    asked = []

    def held_until(_: Source, last: int) -> str:
        asked.append(last)
        return record_time(later)

    found = report([Source(fleet.builder.directory)], held_until=held_until)
    assert (found.end, found.stretches[0].end) == (later.timestamp(), later.timestamp())
    assert asked == [fleet.builder.seq]


def test_an_outage_in_which_nothing_was_recorded_is_reported(fleet: Fleet) -> None:
    fleet.goes(REAL, up=False)
    now = fleet.builder.now + timedelta(hours=1)
    since = Moment(record_time(now - timedelta(minutes=5)), "")
    found = report([Source(fleet.builder.directory)], since, held_until=lambda *_: record_time(now))
    assert found.end - found.begin == pytest.approx(300)
    assert web(found).reals[REAL].conditions == [(found.begin, "down")]
    assert (found.events, found.left_out) == ([], 0)
    with pytest.raises(OutOfRangeError, match="no record of that time"):
        report([Source(fleet.builder.directory)], since)


def test_of_several_journals_each_ends_where_nothing_is_known_any_more(tmp_path: Path) -> None:
    first, second = running(tmp_path / "a", host="lb1"), running(tmp_path / "b", host="lb2")
    second.builder.passes(hours=1)
    second.goes(REAL, up=False)
    found = of(first, second)
    ends = [stretch.end for stretch in found.stretches]
    assert ends == pytest.approx([fleet.builder.now.timestamp() for fleet in (first, second)], abs=0.001)
    assert found.end == max(ends)


def test_since_a_time_when_no_daemon_ran_says_so(fleet: Fleet) -> None:
    fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="leave"))
    fleet.builder.passes(hours=1)
    fleet.builder.record(started())
    since = parse_moment("2026-11-22T15:00:00Z", START)
    found = report([Source(fleet.builder.directory)], since)
    assert found.stretches[0].absences == [(found.begin, found.end)]


def test_until_ends_before_what_came_later(fleet: Fleet) -> None:
    fleet.builder.passes(minutes=30)
    fleet.goes(REAL, up=False)
    found = report([Source(fleet.builder.directory)], None, parse_moment("2026-11-22T14:50:00Z", START))
    assert web(found).reals[REAL].conditions[-1][1] == "up"


def test_a_time_of_which_there_is_nothing_is_refused_with_what_there_is(fleet: Fleet) -> None:
    with pytest.raises(OutOfRangeError, match=r"no record of that time; it holds 2026-11-22T14:30:00"):
        report([Source(fleet.builder.directory)], parse_moment("2027-01-01", START))


def test_several_directors_are_merged_by_time_and_told_apart(tmp_path: Path) -> None:
    paths = [evening(tmp_path / name, balancers=2, reals=3).directory for name in "ab"]
    found = report(map(Source, paths))
    assert [stretch.director for stretch in found.stretches] == ["director (1)", "director (2)"]
    assert [event.at for event in found.events] == sorted(event.at for event in found.events)
    assert {event.host for event in found.events} == {"director (1)", "director (2)"}
    second = [event for event in found.events if event.host == "director (2)"]
    assert all(event.seq > RECORDS for event in second)
    numbers = {event.seq for event in second}
    assert all(event.cause in numbers for event in second if event.cause is not None)


def test_of_too_many_events_the_newest_are_kept_and_the_others_counted(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MOST_EVENTS", 5)
    found = of(fleet)
    assert [event.seq for event in found.events] == list(range(fleet.builder.seq - 4, fleet.builder.seq + 1))
    assert found.left_out == fleet.builder.seq - 5


def test_a_removed_real_keeps_its_story(fleet: Fleet) -> None:
    fleet.builder.record(RealRemoved(service=fleet.id, real=REAL, host=REAL))
    assert web(of(fleet)).reals[REAL].conditions[-1][1] is None


# --- the page ---------------------------------------------------------------------------------------------


def test_what_servers_answer_cannot_leave_the_data(fleet: Fleet) -> None:
    evil = "</script><script>alert(1)</script><!-- @@style@@ \u2028"
    fleet.flip(REAL, "failure", evil, evil)
    page = report_page(of(fleet), utc=True)
    assert page.count("</script>") == 2
    assert "alert(1)" in page
    assert "<script>alert" not in page
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["events"][-1]["text"].startswith(f"{REAL} fails its checks now: </script>")


def test_the_policy_allows_its_own_style_and_script_and_nothing_else(fleet: Fleet) -> None:
    page = report_page(of(fleet), utc=True)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    assert "unsafe" not in policy[1]
    for tag in ("style", "script"):
        inline = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert inline is not None
        assert f"'sha256-{b64encode(sha256(inline[1].encode()).digest()).decode()}'" in policy[1]
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert "@@" not in page.partition('id="data"')[0]
