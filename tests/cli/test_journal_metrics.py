"""``journal metrics``: from a journal to what Prometheus holds, and what is refused on the way."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from journal import open_journal
from kglb.events import DaemonStopping, RealRemoved
from kglb.replay.source import Source
from kglb.replay.state_at import state_at
from kglb.replay.times import Moment, record_time
from kglb.web.fleet_metrics import fleet_families
from tests.cli.conftest import Command, Ran
from tests.events.recorded import recorded
from tests.packaging.promtool import needs_promtool, run_promtool
from tests.projections.builders import WEB, real_id, started
from tests.replay.incidents import evening
from tests.replay.journals import START, Fleet, running
from tests.web.builders import read

FIXTURES = Path(__file__).parents[1] / "events" / "fixtures"
DAEMON = FIXTURES / "2-daemon.jsonl"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], dict[int, float]]
"""Of each series, by name and labels, its values by Unix time in milliseconds."""


def parsed(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            assert sample.timestamp is not None
            series = found.setdefault((sample.name, frozenset(sample.labels.items())), {})
            series[round(float(sample.timestamp) * 1000)] = sample.value
    return found


def printed(ran: Ran) -> Samples:
    assert ran.code == 0, ran.err
    return parsed(ran.out)


def series(samples: Samples, name: str, **labels: str) -> dict[int, float]:
    """The only series of that name that has these labels."""
    matching = [own for known, own in samples if known == name and labels.items() <= dict(own).items()]
    (own,) = matching
    return samples[name, own]


def unix(**after_start: float) -> int:
    """Milliseconds of a time that long after the builder's start."""
    seconds = after_start.get("minutes", 0) * 60 + after_start.get("seconds", 0)
    return round((START.timestamp() + seconds) * 1000)


# --- into Prometheus and back -----------------------------------------------------------------------------------------


def held_by_prometheus(exposed: str, directory: Path) -> Samples:
    """What is in the blocks that promtool makes of it."""
    text, blocks = directory / "past.om", directory / "blocks"
    text.write_text(exposed)
    run_promtool("tsdb", "create-blocks-from", "openmetrics", text, blocks)
    (blocks / "wal").mkdir()  # which dump wants to be there
    dumped = subprocess.run(["promtool", "tsdb", "dump", blocks], capture_output=True, text=True, check=True).stdout
    found: Samples = {}
    for line in dumped.splitlines():
        braces, value, at = re.fullmatch(r"\{(.*)\} (\S+) (\d+)", line).groups()  # type: ignore[union-attr]
        labels = {name: json.loads(f'"{text}"') for name, text in re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', braces)}
        name = labels.pop("__name__")
        found.setdefault((name, frozenset(labels.items())), {})[int(at)] = float(value)
    return found


def value_at(values: dict[int, float], at: int) -> float | None:
    """As Prometheus answers: the newest value of the last five minutes."""
    times = [time for time in values if at - 300_000 < time <= at]
    return values[max(times)] if times else None


def moments(kglb: Command, journal: Path) -> Iterator[tuple[int, int]]:
    """Records that are the last of their millisecond, and that millisecond."""
    lines = kglb("tail", "--journal", journal, "--after", 0, "-o", "json").out.splitlines()
    times = []
    for record in map(json.loads, lines):
        microseconds = round(datetime.fromisoformat(record["at"]).timestamp() * 1_000_000)
        times.append((record["seq"], -(-microseconds // 1000)))
    for (seq, at), (_, following) in zip(times, [*times[1:], (0, 0)], strict=True):
        if at != following:
            yield seq, at


@needs_promtool
@pytest.mark.parametrize("recorded_by", ["a daemon in virtual time", "a builder, an evening long"])
def test_what_prometheus_makes_of_it_is_what_replay_says(kglb: Command, tmp_path: Path, recorded_by: str) -> None:
    journal = DAEMON if "daemon" in recorded_by else evening(tmp_path / "journal", balancers=2, reals=3).directory
    labels = ("--label", "job=kglb", "--label", 'instance=lb"1\\:5678')
    held = held_by_prometheus(kglb("journal", "metrics", journal, "--step", "4m", *labels).out, tmp_path)
    assert {dict(own)["instance"] for _, own in held} == {'lb"1\\:5678'}
    every = list(moments(kglb, journal))
    chosen = every[len(every) // 4 :: max(1, len(every) // 12)]
    assert len(chosen) >= 8
    for seq, at in chosen:
        state = json.loads(kglb("replay", journal, "--seq", seq, "-o", "json").out)
        for service in state["services"]:
            of = {"balancer": service["balancer"], "service": service["service"]}
            assert value_at(series(held, "kglb_balancer_alive_reals", **of), at) == service["alive"]
            assert value_at(series(held, "kglb_balancer_mode", mode=service["mode"], **of), at) == 1
            for real in service["reals"]:
                of_real = {**of, "real": real["real"]}
                assert value_at(series(held, "kglb_real_healthy", **of_real), at) == real["healthy"]
                assert value_at(series(held, "kglb_real_weight", **of_real), at) == (real["weight"] or 0)
                applied = series(held, "kglb_real_applied_weight", **of_real)
                if real["kernel_weight"] is None:
                    assert at not in applied  # Prometheus shows what was before for five minutes
                else:
                    assert value_at(applied, at) == real["kernel_weight"]


@needs_promtool
def test_prometheus_takes_every_kind_of_event(kglb: Command, tmp_path: Path) -> None:
    for number, journal in enumerate(sorted(FIXTURES.glob("*-events.jsonl"))):
        directory = tmp_path / str(number)
        directory.mkdir()
        out = kglb("journal", "metrics", journal).out
        assert held_by_prometheus(out, directory) == parsed(out)


@pytest.mark.parametrize("journal", recorded(), ids=lambda path: path.stem)
def test_every_sample_of_every_kept_journal_is_what_the_daemon_would_have_said(kglb: Command, journal: Path) -> None:
    by_time: dict[int, dict[str, float]] = {}
    for (name, labels), values in printed(kglb("journal", "metrics", journal, "--step", "1s")).items():
        for at, value in values.items():
            by_time.setdefault(at, {})[name + str(sorted(labels))] = value
    for at, seen in by_time.items():
        source = Source(journal)
        last = source.seq_until(Moment("", record_time(datetime.fromtimestamp(at / 1000, UTC))))
        said = {
            sample.name + str(sorted(sample.labels.items())): sample.value
            for family in read(fleet_families(state_at(source, last).state)).families.values()
            for sample in family.samples
        }
        of_fleet = {name: value for name, value in seen.items() if re.match("kglb_(balancer|real|route)_", name)}
        assert of_fleet.items() <= said.items()
        if at % 1000 == 0:
            assert of_fleet == said


# --- what is in it ----------------------------------------------------------------------------------------------------


def test_a_directory_a_segment_and_an_export_say_the_same(kglb: Command, fleet: Fleet, tmp_path: Path) -> None:
    fleet.builder.passes(minutes=2).rotate()
    fleet.goes(real_id(0), up=False)
    export = tmp_path / "mailed.jsonl"
    assert kglb("journal", "export", fleet.builder.directory, "--seq", "20..", "-o", export).code == 0
    whole = printed(kglb("journal", "metrics", fleet.builder.directory, "--seq", "20.."))
    assert series(whole, "kglb_real_healthy", real=real_id(0))
    for part in (fleet.builder.path, export):
        found = printed(kglb("journal", "metrics", part, "--seq", "20.."))
        assert {key: values for key, values in found.items() if "events" not in key[0]} == {
            key: values for key, values in whole.items() if "events" not in key[0]
        }


def test_a_real_that_was_removed_has_no_later_sample(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.passes(minutes=1)
    fleet.builder.record(RealRemoved(service=WEB, real=real_id(0), host=real_id(0)))
    fleet.builder.passes(minutes=1)
    fleet.goes(real_id(1), up=False)
    found = printed(kglb("journal", "metrics", fleet.builder.directory))
    assert max(series(found, "kglb_real_healthy", real=real_id(0))) < unix(seconds=64)
    assert max(series(found, "kglb_real_healthy", real=real_id(1))) > unix(seconds=120)


def test_a_time_without_a_record_has_the_state_that_held_then(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.passes(minutes=30)
    fleet.goes(real_id(0), up=False)
    between = ("--utc", "--since", "2026-11-22T14:40", "--until", "2026-11-22T14:41", "--step", "20s")
    found = series(printed(kglb("journal", "metrics", fleet.builder.directory, *between)), "kglb_balancer_alive_reals")
    assert found == {unix(minutes=10, seconds=seconds): 3 for seconds in (0, 20, 40, 60)}


def test_a_stretch_of_records_ends_with_its_last_one(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.passes(minutes=30)
    fleet.goes(real_id(0), up=False)
    found = printed(kglb("journal", "metrics", fleet.builder.directory, "--seq", "..19"))
    assert max(at for values in found.values() for at in values) < unix(seconds=10)


def test_a_journal_that_is_being_written_goes_on_until_now(
    kglb: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.time()
    monkeypatch.setattr("tests.replay.journals.START", datetime.fromtimestamp(begun - 600, UTC))
    directory = running(tmp_path / "journal").builder.directory

    def newest() -> float:
        found = printed(kglb("journal", "metrics", directory))
        return max(series(found, "kglb_balancer_alive_reals")) / 1000

    assert newest() < begun - 590
    held = open_journal(directory)
    assert newest() > begun - 1
    held.close()


def test_between_a_stop_and_a_start_there_is_nothing(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.passes(minutes=1)
    fleet.builder.record(DaemonStopping(reason="SIGTERM", on_stop="leave"))
    fleet.builder.passes(minutes=10)
    fleet.builder.record(started())
    found = printed(kglb("journal", "metrics", fleet.builder.directory))
    times = {at for values in found.values() for at in values}
    assert [at for at in times if unix(seconds=65) < at < unix(minutes=11)] == []
    assert max(times) > unix(minutes=11)
    within = ("--utc", "--since", "2026-11-22T14:35", "--until", "2026-11-22T14:36")
    assert printed(kglb("journal", "metrics", fleet.builder.directory, *within)) == {}


def test_the_version_is_that_of_the_daemon_that_wrote(kglb: Command, fleet: Fleet) -> None:
    found = printed(kglb("journal", "metrics", fleet.builder.directory, "--seq", "5.."))
    assert [dict(own) for name, own in found if name == "kglb_build_info"] == [{"version": "0"}]


def test_only_the_balancers_that_were_named_are_in_it(kglb: Command, tmp_path: Path) -> None:
    journal = evening(tmp_path / "journal", balancers=3, reals=3).directory
    found = printed(kglb("journal", "metrics", journal, "--balancer", "web", "--balancer", "tcp://192.168.100.12:443"))
    assert {dict(own)["balancer"] for name, own in found if name == "kglb_balancer_mode"} == {"web", "static"}
    assert {dict(own)["balancer"] for name, own in found if name == "kglb_real_healthy"} == {"web", "static"}


# --- clocks and damage ------------------------------------------------------------------------------------------------


def test_a_clock_that_was_set_back_is_said_and_puts_nothing_out_of_order(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.passes(minutes=10)
    fleet.goes(real_id(0), up=False)
    fleet.builder.steps_clock(minutes=-5)
    fleet.goes(real_id(0), up=True)
    fleet.builder.passes(minutes=7)
    fleet.goes(real_id(1), up=False)
    ran = kglb("journal", "metrics", fleet.builder.directory, "--utc")
    alive = series(printed(ran), "kglb_balancer_alive_reals")
    assert list(alive) == sorted(alive)
    assert alive[unix(minutes=12)] == 3
    assert ran.err.startswith("warning: record 24 is of 2026-11-22 14:35:04.024, and one")
    assert "the clock was set back" in ran.err
    alone = series(
        printed(kglb("journal", "metrics", fleet.builder.directory, "--seq", "24..")), "kglb_balancer_alive_reals"
    )
    assert alone[unix(minutes=6)] == 3


@pytest.mark.parametrize("bounds", [(), ("--seq", "2.."), ("--utc", "--since", "2026-11-22T14:40:01")])
def test_a_journal_that_ends_before_it_began_has_what_came_first(
    kglb: Command, fleet: Fleet, bounds: tuple[str, ...]
) -> None:
    fleet.builder.passes(minutes=10)
    fleet.goes(real_id(0), up=False)
    fleet.builder.steps_clock(hours=-1)
    fleet.goes(real_id(0), up=True)
    alive = series(printed(kglb("journal", "metrics", fleet.builder.directory, *bounds)), "kglb_balancer_alive_reals")
    assert next(iter(alive.values())) == (3 if "--since" in bounds else 0)
    assert max(alive) < unix(minutes=11)


def harm(journal: Path) -> None:
    path = min(journal.glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b'"HealthChanged"', b'"healthChanged"', 1))


def test_a_damaged_journal_is_refused_unless_it_is_to_be_salvaged(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.passes(minutes=1).rotate()
    fleet.builder.passes(minutes=1)
    fleet.goes(real_id(2), up=False)
    harm(fleet.builder.directory)
    ran = kglb("journal", "metrics", fleet.builder.directory)
    assert (ran.code, ran.out) == (3, "")
    assert "the journal is damaged in" in ran.err
    ran = kglb("journal", "metrics", fleet.builder.directory, "--salvage")
    assert "damaged: " in ran.err
    alive = series(printed(ran), "kglb_balancer_alive_reals")
    assert alive[unix(seconds=60)] == 2  # one of three that came up is lost
    assert alive[unix(seconds=75)] == 3  # which the checkpoint knows
    assert list(alive.values())[-1] == 2


def test_what_a_repair_could_not_save_is_known_again_from_the_next_checkpoint_on(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.passes(minutes=1).rotate()
    fleet.builder.passes(minutes=1)
    fleet.goes(real_id(2), up=False)
    harm(fleet.builder.directory)
    assert kglb("journal", "repair", fleet.builder.directory).code == 0
    alive = series(printed(kglb("journal", "metrics", fleet.builder.directory)), "kglb_balancer_alive_reals")
    assert (alive[unix(seconds=60)], alive[unix(seconds=75)]) == (2, 3)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_more_samples_than_make_sense_are_refused_with_their_number(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.passes(days=365)
    fleet.goes(real_id(0), up=False)
    ran = kglb("journal", "metrics", fleet.builder.directory, "--utc")
    assert (ran.code, ran.out) == (2, "")
    found = re.search(
        r"error: a sample every 15s from .* to .* makes about ([\d,]+) samples, more than 10,000,000", ran.err
    )
    assert found is not None, ran.err
    assert int(found[1].replace(",", "")) > 365 * 5760 * 90
    assert "--since" in ran.err
    assert "--step" not in ran.err  # none that Prometheus has use for would do


def test_a_step_that_would_do_is_named(kglb: Command, fleet: Fleet) -> None:
    fleet.builder.passes(hours=1)
    fleet.goes(real_id(0), up=False)
    ran = kglb("journal", "metrics", fleet.builder.directory, "--most", 10_000)
    step = re.search(r"--step (\w+),", ran.err)
    assert step is not None, ran.err
    assert kglb("journal", "metrics", fleet.builder.directory, "--most", 10_000, "--step", step[1]).code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["--label", "job=a", "--label", "job=b"], 2, "--label gives one label two values"),
        (["--label", "balancer=b"], 2, "kglb_balancer_info has a label balancer of its own"),
        (["--balancer", "wbe"], 2, "--balancer wbe: there is no balancer of that name; there is web"),
        (["--since", "2031-01-01"], 2, "nothing is known of that time: "),
        (["--until", "2001-01-01"], 2, "no record is in that stretch: "),
        (["--seq", "90.."], 2, "no record is in that stretch: "),
        (["--since", "never"], 2, "'never' is not a time"),
    ],
)
def test_what_cannot_be_done_is_one_error(
    kglb: Command, fleet: Fleet, arguments: list[str], code: int, problem: str
) -> None:
    ran = kglb("journal", "metrics", fleet.builder.directory, *arguments)
    assert (ran.code, ran.out) == (code, "")
    (error,) = (line for line in ran.err.splitlines() if line.startswith("error: "))
    assert problem in error


def test_no_journal_is_3(kglb: Command, tmp_path: Path) -> None:
    assert kglb("journal", "metrics", tmp_path / "nothing").code == 3


@pytest.mark.parametrize(
    "arguments", [["--step", "5m"], ["--step", "10ms"], ["--label", "job"], ["--label", "__x=1"], ["--seq", "5"]]
)
def test_a_wrong_argument_is_a_usage_error(kglb: Command, fleet: Fleet, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        kglb("journal", "metrics", fleet.builder.directory, *arguments)
    assert left.value.code == 2
