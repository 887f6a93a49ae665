"""The contest as tables of Markdown. Of several samples: the median, and in parentheses the lowest and the highest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

from bench.contest.behaviour import Behaviour
from bench.contest.inside import Found, Lost
from bench.contest.race import Race

Column = Callable[[Race], str]


def tables(found: Sequence[Found]) -> str:
    """All that was found."""
    races = [one.race for one in found if one.race is not None]
    lost = [one.lost for one in found if one.lost is not None]
    behaviours = [one.behaviour for one in found if one.behaviour is not None]
    parts = [_race_table(races, REACTION, lost), _race_table(races, LOAD)] if races else []
    return "\n\n".join(parts + ([_behaviour_table(behaviours)] if behaviours else []))


def _seconds(samples: Sequence[float]) -> str:
    return f"{median(samples):.2f} s ({min(samples):.2f} to {max(samples):.2f})"


def _milliseconds(samples: Sequence[float]) -> str:
    return f"{median(samples):.1f} ms ({min(samples):.1f} to {max(samples):.1f})"


REACTION: Mapping[str, Column] = {
    "cold start": lambda race: _seconds(race.starts),
    "failure: lateness": lambda race: _milliseconds([death.failure.lateness for death in race.deaths]),
    "reset to kernel": lambda race: _milliseconds([death.failure.wire_to_kernel for death in race.deaths]),
    "recovery: lateness": lambda race: _milliseconds([death.recovery.lateness for death in race.deaths]),
    "accept to kernel": lambda race: _milliseconds([death.recovery.wire_to_kernel for death in race.deaths]),
    "a tenth dies": lambda race: _seconds(race.masses),
    "reload": lambda race: _seconds(race.reloads),
}


def _cpu(race: Race) -> str:
    samples = race.costs
    return f"{median(samples):.2f} s ({min(samples):.2f} to {max(samples):.2f})" if samples else "too few"


LOAD: Mapping[str, Column] = {
    "checks/s": lambda race: f"{race.steady.checks_per_second:,.0f}",
    "start lateness, median / p99 / max": lambda race: " / ".join(f"{one:.1f}" for one in race.steady.start_lateness),
    "CPU per 1,000 checks": _cpu,
    "memory (PSS)": lambda race: f"{race.steady.memory:.0f} MB",
}


def _race_table(races: Sequence[Race], columns: Mapping[str, Column], lost: Sequence[Lost] = ()) -> str:
    rows = [
        f"| reals | program | {' | '.join(columns)} |",
        "|---" * (len(columns) + 2) + "|",
        *(_row(race.reals, race.program, [column(race) for column in columns.values()]) for race in races),
        *(_row(one.reals, one.program, [one.why, *[""] * (len(columns) - 1)]) for one in lost),
    ]
    return "\n".join(rows)


def _row(reals: int, program: str, cells: Sequence[str]) -> str:
    return f"| {reals:,} | {program} | {' | '.join(cells)} |"


def _behaviour_table(behaviours: Sequence[Behaviour]) -> str:
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
