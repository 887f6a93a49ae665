"""What other settings would have changed: the same as a run under them, and nothing where they change nothing."""

import asyncio
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from journal.format import JournalGap
from kglb.decisions import observe
from kglb.events import HealthChanged, OpenRun, ProbeFlipped, RunsClosed
from kglb.model import TcpCheck
from kglb.replay.settings import Settings, parse_setting
from kglb.replay.source import Source
from kglb.replay.whatif import GapError, Transition, WhatIf, whatif
from tests.actors.virtual import run
from tests.actors.world import OK, REFUSED, journal_of, world
from tests.projections.builders import WEB, applied, balancer, config, real, real_id, started
from tests.replay.journals import START, Fleet, JournalBuilder, running

A, B, C = real_id(0), real_id(1), real_id(2)


def supposing(journal: Path, *settings: str, first: int = 0) -> WhatIf:
    source = Source(journal)
    bounds = source.bounds()
    return whatif(source, Settings(map(parse_setting, settings)), first or bounds[0], bounds[-1])


def outage(directory: Path, *, below: float = 0.0, **fields: object) -> Path:
    """A daemon's journal, a second an interval: A fails for 4 s, later B and C for 10 s, all three for 5 of them."""
    fields = {"fall": 2, "rise": 2} | fields
    check = TcpCheck(interval=1.0, timeout=1.0, **fields)  # type: ignore[arg-type]

    async def main() -> None:
        async with world(directory, config(balancer(reals=3, check=check, fail_open_below=below))) as w:
            for seconds, answers in (
                (10, {A: REFUSED}),
                (4, {A: OK}),
                (20, {B: REFUSED, C: REFUSED}),
                (5, {A: REFUSED}),
                (5, {A: OK, B: OK, C: OK}),
                (10, {}),
            ):
                await asyncio.sleep(seconds)
                w.prober.answers |= answers
            await w.stop("leave")

    run(main())
    return directory


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return outage(tmp_path_factory.mktemp("whatif") / "journal")


def test_without_a_difference_everything_is_as_it_was_recorded(journal: Path) -> None:
    recorded = [record.seq for record in journal_of(journal) if isinstance(record.event, HealthChanged)]
    for settings in ((), ("balancer.web.check.fall=2", "balancer.web.when_all_down=fail_open")):
        found = supposing(journal, *settings)
        assert [one.seq for one in found.transitions] == recorded
        assert all(one.recorded and one.supposed and not one.estimated for one in found.transitions)
        (sides,) = found.balancers
        assert sides.recorded == sides.supposed
        assert all(real.recorded == real.supposed for real in sides.reals)
        assert not found.estimates


@pytest.mark.parametrize(("rise", "fall"), [(1, 1), (2, 4), (3, 3), (4, 5), (2, 6)])
def test_it_is_what_a_run_under_those_settings_does(journal: Path, tmp_path: Path, rise: int, fall: int) -> None:
    actual = outage(tmp_path / "actual", rise=rise, fall=fall)
    found = supposing(journal, f"balancer.web.check.fall={fall}", f"balancer.web.check.rise={rise}")
    supposed = [(one.real, one.healthy, one.streak, _seconds(one.at)) for one in found.transitions if one.supposed]
    happened = [
        (record.event.real, record.event.healthy, record.event.streak, _seconds(record.at))
        for record in journal_of(actual)
        if isinstance(record.event, HealthChanged)
    ]
    by_real = itemgetter(0)
    for one, another in zip(sorted(supposed, key=by_real), sorted(happened, key=by_real), strict=True):
        assert one[:3] == another[:3]
        assert abs(one[3] - another[3]) < 0.3, "the first probes of a real are up to a tenth of an interval late each"
    assert found.balancers[0].supposed == supposing(actual).balancers[0].recorded


def test_fail_closed_keeps_the_weights_at_zero(journal: Path) -> None:
    (sides,) = supposing(journal, "balancer.web.when_all_down=fail_closed").balancers
    assert sides.recorded.failsafe > 3
    assert sides.supposed.failsafe == 0
    assert all(real.supposed > real.recorded for real in sides.reals)
    assert sides.supposed.lowest_alive == 0


def test_another_threshold_for_too_few_is_what_a_run_with_it_does(journal: Path, tmp_path: Path) -> None:
    actual = outage(tmp_path / "actual", below=0.5)
    (sides,) = supposing(journal, "balancer.web.fail_open_below=0.5").balancers
    assert sides.recorded.failsafe < sides.supposed.failsafe
    assert sides.supposed == supposing(actual).balancers[0].recorded


def test_backups_are_decided_about_as_they_were(tmp_path: Path) -> None:
    check = TcpCheck(interval=1.0, timeout=1.0, rise=2, fall=2)

    async def main() -> None:
        whole = balancer(reals=2, check=check)
        sorry = replace(real(9), backup=True)
        async with world(tmp_path, config(replace(whole, reals=(*whole.reals, sorry)))) as w:
            await asyncio.sleep(5)
            w.prober.answers |= {A: REFUSED, real_id(1): REFUSED}
            await asyncio.sleep(5)
            w.prober.answers.clear()
            await asyncio.sleep(5)

    run(main())
    (sides,) = supposing(tmp_path).balancers
    assert sides.recorded == sides.supposed
    assert sides.recorded.backup > 3
    assert sides.recorded.failsafe == 0
    (sides,) = supposing(tmp_path, "balancer.web.check.fall=4").balancers
    assert 0 < sides.supposed.backup < sides.recorded.backup


def test_another_interval_is_imagined_and_says_so(journal: Path) -> None:
    found = supposing(journal, "balancer.web.check.interval=500ms")
    assert found.estimates
    downs = [one for one in found.transitions if one.real == A and not one.healthy]
    recorded, supposed = (
        next(_seconds(one.at) for one in downs if getattr(one, side)) for side in ("recorded", "supposed")
    )
    assert supposed == pytest.approx(recorded - 0.5, abs=0.01)
    assert all(one.estimated for one in found.transitions if one.supposed)


@pytest.mark.parametrize(
    ("setting", "up"), [("interval=20s", 2.0), ("interval=500ms", 1.0), ("fast_interval=100ms", 0.2)]
)
def test_a_new_real_is_imagined_to_be_asked_each_second_at_least(tmp_path: Path, setting: str, up: float) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=1, check=TcpCheck()))):
            await asyncio.sleep(60)

    run(main())
    (first,) = (_seconds(record.at) for record in journal_of(tmp_path) if isinstance(record.event, ProbeFlipped))
    (supposed,) = (one for one in supposing(tmp_path, f"balancer.web.check.{setting}").transitions if one.supposed)
    assert _seconds(supposed.at) - first == pytest.approx(up, abs=0.01)


def test_what_a_new_real_has_passed_when_the_journal_ends_is_known_by_its_pace(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, config(balancer(reals=2, check=TcpCheck(rise=10)))) as w:
            await asyncio.sleep(4.5)
            w.prober.answers[B] = REFUSED  # the last record of this journal: A has passed five times until then
            w.prober.ask_now(B)
            await asyncio.sleep(0.01)
            await w.kill()

    run(main())
    (supposed,) = (one for one in supposing(tmp_path, "balancer.web.check.rise=5").transitions if one.real == A)
    assert supposed.streak == 5
    assert supposed.estimated


def test_from_a_moment_on_what_is_believed_then_is_the_beginning(journal: Path) -> None:
    down = next(one for one in supposing(journal).transitions if one.real == A and not one.healthy)
    found = supposing(journal, "balancer.web.check.rise=4", first=down.seq + 1)
    assert found.first == down.seq + 1
    back = next(one for one in found.transitions if one.real == A and one.supposed)
    assert (back.healthy, back.streak) == (True, 4)


def test_a_run_that_is_open_at_the_end_goes_on(tmp_path: Path) -> None:
    fleet = running(tmp_path / "journal", check=TcpCheck(interval=1.0, timeout=1.0, rise=3, fall=2))
    fleet.goes(A, up=False)
    fleet.builder.passes(seconds=10)
    fleet.flip(B, "failure")
    supposed = [one for one in supposing(tmp_path / "journal", "balancer.web.check.fall=5").transitions if one.supposed]
    assert [(one.real, one.streak, one.estimated) for one in supposed if not one.healthy] == [(A, -5, True)]


def test_a_daemon_that_died_before_it_decided_is_supposed_to_have_died_as_well(tmp_path: Path) -> None:
    fleet = running(tmp_path / "journal", check=TcpCheck(interval=1.0, timeout=1.0, rise=1, fall=1))
    down = fleet.judge(A, streak=-1, run=fleet.flip(A, "failure"))
    fleet.builder.passes(seconds=60)
    fleet.builder.record(started())
    fleet.builder.record(applied(fleet.config))
    fleet.decide("available", {A: 0}, down)
    fleet.builder.passes(seconds=5)
    fleet.apply()
    (sides,) = supposing(tmp_path / "journal").balancers
    out = next(real for real in sides.reals if real.real == A)
    assert out.supposed == out.recorded < 6


def test_records_that_are_missing_are_not_guessed(tmp_path: Path) -> None:
    fleet = running(tmp_path / "journal")
    fleet.builder.rotate()
    gap = fleet.builder.record(JournalGap(first_seq=4, last_seq=9, since=START.isoformat(), reason="disk full"))
    with pytest.raises(GapError, match=f"before record {gap}"):
        supposing(tmp_path / "journal")


def _seconds(at: str) -> float:
    return (datetime.fromisoformat(at) - START).total_seconds()


# --- any sequence of outcomes ----------------------------------------------------------------------------------------

thresholds = st.integers(1, 5)
outcomes = st.lists(st.booleans(), min_size=1, max_size=40)


def record(directory: Path, passes: list[bool], rise: int, fall: int) -> Path:
    """What a checker records of these probes, one a second."""
    check = TcpCheck(interval=1.0, timeout=1.0, rise=rise, fall=fall)
    builder = JournalBuilder(directory)
    Fleet(builder, balancer(reals=1, check=check)).add()
    healthy, streak, count, run_seq = False, 0, 0, 0
    before: bool | None = None
    for number, passed in enumerate(passes, 1):
        builder.now = START + timedelta(seconds=number)
        if passed != before:
            flipped = ProbeFlipped(
                service=WEB,
                real=A,
                outcome="success" if passed else "failure",
                reason="ok" if passed else "refused",
                latency=0.001,
                previous_count=count,
            )
            run_seq, count, before = builder.record(flipped), 0, passed
        count += 1
        was = healthy
        healthy, streak = observe(healthy, streak, passed, rise, fall)
        if healthy != was:
            builder.record(HealthChanged(service=WEB, real=A, healthy=healthy, streak=streak, run=run_seq))
    builder.now = START + timedelta(seconds=len(passes) + 0.5)
    builder.record(RunsClosed(runs=(OpenRun(WEB, A, count),)))
    return directory


def simulated(passes: list[bool], rise: int, fall: int) -> list[tuple[int, bool, int]]:
    """After which probe a real's health changes, to what, and at which streak."""
    healthy, streak, changes = False, 0, []
    for number, passed in enumerate(passes, 1):
        was = healthy
        healthy, streak = observe(healthy, streak, passed, rise, fall)
        if healthy != was:
            changes.append((number, healthy, streak))
    return changes


def observed(transitions: tuple[Transition, ...]) -> list[tuple[int, bool, int]]:
    return [(round(_seconds(one.at)), one.healthy, one.streak) for one in transitions if one.supposed]


@given(passes=outcomes, recorded=st.tuples(thresholds, thresholds), supposed=st.tuples(thresholds, thresholds))
def test_any_outcomes_give_what_their_probes_would_have_given(
    passes: list[bool], recorded: tuple[int, int], supposed: tuple[int, int]
) -> None:
    with TemporaryDirectory() as directory:
        journal = record(Path(directory) / "journal", passes, *recorded)
        rise, fall = supposed
        found = supposing(journal, f"balancer.web.check.rise={rise}", f"balancer.web.check.fall={fall}")
    assert observed(found.transitions) == simulated(passes, rise, fall)
    assert [one.seq for one in found.transitions if one.recorded and one.supposed and one.estimated] == []
