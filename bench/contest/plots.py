"""The contest drawn: one picture for each question, a point for each sample, a line through the medians."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl

from bench.contest.race import Race

mpl.use("Agg")  # no display
from matplotlib import pyplot as plt

Samples = Callable[[Race], Sequence[float]]

PICTURES: Mapping[str, tuple[str, Samples]] = {
    "start": ("cold start until all reals are up, s", lambda race: race.starts),
    "lateness": ("a dead real is out late by, ms", lambda race: [death.lateness for death in race.deaths]),
    "reset": ("first reset on the wire to kernel, ms", lambda race: [death.reset_to_kernel for death in race.deaths]),
    "mass": ("a tenth of the reals dies, until all are out, s", lambda race: race.masses),
    "reload": ("one real replaced by reload, until it is up, s", lambda race: race.reloads),
    "cpu": ("CPU s per 1,000 checks", lambda race: [race.steady.cpu_per_1000_checks]),
    "probes": ("probes made a second", lambda race: [race.steady.checks_per_second]),
    "memory": ("memory (PSS), MB", lambda race: [race.steady.memory]),
}


def draw(races: Sequence[Race], path: Path) -> None:
    """Draw all of them into one PNG."""
    figure, axes = plt.subplots(4, 2, figsize=(11, 14), layout="constrained")
    for axis, (title, samples) in zip(axes.flat, PICTURES.values(), strict=True):
        for program, color in zip(
            dict.fromkeys(race.program for race in races), ("tab:blue", "tab:orange"), strict=False
        ):
            own = [race for race in races if race.program == program]
            points = [(race.reals, value) for race in own for value in samples(race)]
            axis.plot(*zip(*points, strict=True), ".", color=color, alpha=0.4)
            medians = [median(samples(race)) for race in own]
            axis.plot([race.reals for race in own], medians, "-", color=color, label=program)
        axis.set(title=title, xlabel="reals", xscale="log")
        axis.set_xticks(sorted({race.reals for race in races}), [f"{n:,}" for n in sorted({r.reals for r in races})])
        axis.minorticks_off()
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=80)
    plt.close(figure)
