"""The contest as tables of Markdown."""

from collections.abc import Iterator, Sequence
from statistics import median

from bench.contest.behaviour import Behaviour
from bench.contest.race import Race

_HEAD = (
    "| reals | program | cold start | lateness | reset to kernel | a tenth dies | reload | checks/s "
    "| CPU s per 1,000 checks | PSS |\n|---|---|---|---|---|---|---|---|---|---|"
)


def race_table(races: Sequence[Race]) -> str:
    """A row for each program and size; of several samples the median, and in parentheses the lowest and the highest."""
    return "\n".join((_HEAD, *map(_row, races)))


def _row(race: Race) -> str:
    lateness, reset = zip(*race.deaths, strict=True)
    return (
        f"| {race.reals:,} | {race.program} | {_seconds(race.starts)} | {_milliseconds(lateness)} "
        f"| {_milliseconds(reset)} | {_seconds(race.masses)} | {_seconds(race.reloads)} "
        f"| {race.steady.checks_per_second:,.0f} | {race.steady.cpu_per_1000_checks:.2f} "
        f"| {race.steady.memory:.0f} MB |"
    )


def _seconds(samples: Sequence[float]) -> str:
    return f"{median(samples):.2f} s ({min(samples):.2f} to {max(samples):.2f})"


def _milliseconds(samples: Sequence[float]) -> str:
    return f"{median(samples):.1f} ms ({min(samples):.1f} to {max(samples):.1f})"


def behaviour_table(behaviours: Sequence[Behaviour]) -> str:
    """A row for each situation, a column for each program; what is unfit for production is bold."""
    return "\n".join(_behaviour_rows(behaviours))


def _behaviour_rows(behaviours: Sequence[Behaviour]) -> Iterator[str]:
    programs = list(dict.fromkeys(behaviour.program for behaviour in behaviours))
    yield f"| | {' | '.join(programs)} |"
    yield "|---" * (len(programs) + 1) + "|"
    for situation in dict.fromkeys(behaviour.situation for behaviour in behaviours):
        seen = {found.program: found for found in behaviours if found.situation == situation}
        cells = [_cell(seen[program]) if program in seen else "-" for program in programs]
        yield f"| {situation} | {' | '.join(cells)} |"


def _cell(behaviour: Behaviour) -> str:
    return behaviour.seen if behaviour.good else f"**{behaviour.seen}**"
