"""The contest drawn: one picture for each question, a point for each sample, a line through the medians."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl

from bench.contest.race import Race

mpl.use("Agg")  # no display
from matplotlib import pyplot as plt

Samples = Callable[[Race], Sequence[float]]

PICTURES: Mapping[str, Samples] = {
    "cold start until all reals are up, s": lambda race: race.starts,
    "a dead real is out late by, ms": lambda race: [death.failure.lateness for death in race.deaths],
    "a tenth of the reals dies, until all are out, s": lambda race: race.masses,
    "one real replaced by reload, until it is up, s": lambda race: race.reloads,
    "CPU s per 1,000 checks, all of that kernel": lambda race: race.costs,
    "memory (PSS), MB": lambda race: [race.steady.memory],
}
COLORS: Mapping[str, str] = {"kglb-actors": "tab:blue", "keepalived": "tab:orange"}


def draw(races: Sequence[Race], path: Path) -> None:
    """Draw them into one PNG; ldirectord, whose seconds would hide all else, is in the tables alone."""
    sizes = sorted({race.reals for race in races})
    figure, axes = plt.subplots(3, 2, figsize=(11, 11), layout="constrained")
    for axis, (title, samples) in zip(axes.flat, PICTURES.items(), strict=True):
        for program, color in COLORS.items():
            own = sorted((race for race in races if race.program == program), key=lambda race: race.reals)
            points = [(race.reals, value) for race in own for value in samples(race)]
            if points:
                axis.plot(*zip(*points, strict=True), ".", color=color, alpha=0.35)
                medians = [(race.reals, median(values)) for race in own if (values := samples(race))]
                axis.plot(*zip(*medians, strict=True), "-", color=color, label=program)
        axis.set_title(title, fontsize=11)
        axis.set(xlabel="reals", xscale="log")
        axis.set_ylim(0, axis.dataLim.y1 * 1.08)
        axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes.flat[0].legend()
    figure.savefig(path, dpi=90)
    plt.close(figure)
