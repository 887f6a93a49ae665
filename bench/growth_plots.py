"""What ``bench.growth`` found, drawn."""

from pathlib import Path
from statistics import median

import matplotlib as mpl

from bench.growth import Found

mpl.use("Agg")  # no display
from matplotlib import pyplot as plt

COLOR = "tab:blue"


def draw(found: Found, path: Path) -> None:
    """Draw all of it into one PNG."""
    figure, axes = plt.subplots(3, 2, figsize=(11, 11), layout="constrained")
    reals = [size.reals for size in found.sizes]
    least = found.sizes[0]
    bigger = [size for size in found.sizes if size.reals >= 10 * least.reals]
    single = [one for one in found.applied if one.services == 1]
    lines = {
        "start until all reals are up (host), s": (reals, [size.start for size in found.sizes]),
        "memory of the process, MB": (reals, [size.memory for size in found.sizes]),
        "memory of each real, KB": (
            [size.reals for size in bigger],
            [(size.memory - least.memory) / (size.reals - least.reals) * 1024 for size in bigger],
        ),
        "CPU per 1,000 TCP checks at 3 s, ms": ([size.reals for size in bigger], [size.cpu * 1000 for size in bigger]),
        "applied from empty (lab), s since exec": ([one.reals_each for one in single], [one.up for one in single]),
    }
    for axis, (title, (x, y)) in zip(axes.flat, lines.items(), strict=False):
        axis.plot(x, y, ".-", color=COLOR)
        axis.set_title(title, fontsize=11)
        axis.set(xlabel="reals", xscale="log")
        axis.set_ylim(0, max(y) * 1.08)
        axis.set_xticks(x, [f"{size:,}" for size in x], rotation=30)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    last = axes.flat[-1]
    names = list(found.commands)
    last.barh(names[::-1], [median(found.commands[name]) * 1000 for name in names[::-1]], color=COLOR)
    last.set_title("a process of, ms of wall time", fontsize=11)
    last.grid(alpha=0.3, axis="x")
    figure.savefig(path, dpi=90)
    plt.close(figure)
