"""The contest: ours beside Debian's keepalived, one after the other, in one kernel, in one run.

    python -m bench.contest
    python -m bench.contest --quick --sizes 10 100

The task: one TCP service, masquerading, a TCP check of each real each second, one failure takes it out, one success
puts it in; reals in another namespace, all of them one process. See ``bench/README.md`` for how it is measured. Prints
tables of Markdown; with ``--output`` writes them there as ``contest.md``, with ``images/contest.png``.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from bench.contest.inside import Found
from bench.contest.race import Effort
from bench.contest.tables import behaviour_table, race_table

SIZES = (10, 100, 500, 1000, 2000)
QUICK = Effort(starts=1, steady=5.0, deaths=5, masses=1, reloads=1)
TIMEOUT = 1800


def main() -> int:
    """Run the contest in the lab; 0 if it ran to its end."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.contest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="numbers of reals")
    parser.add_argument("--quick", action="store_true", help="few samples of everything")
    parser.add_argument("--no-behaviour", action="store_true", help="races only")
    parser.add_argument("--output", type=Path, help="a directory to write contest.md and images/contest.png to")
    args = parser.parse_args()
    effort = msgspec.json.encode(QUICK if args.quick else Effort()).decode()
    command = [sys.executable, "-m", "lab", "run", "--mem", "2G", "--timeout", str(TIMEOUT), "--"]
    command += [sys.executable, "-m", "bench.contest.inside", "--effort", effort, "--sizes", *map(str, args.sizes)]
    command += ["--no-behaviour"] if args.no_behaviour else []
    os.sched_setaffinity(
        0, {max(os.sched_getaffinity(0))}
    )  # the lab's processes wait for each other: moving them costs
    found: list[Found] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as lab:
        assert lab.stdout is not None
        for line in lab.stdout:
            found.append(msgspec.json.decode(line, type=Found))
            print(_brief(found[-1]), file=sys.stderr, flush=True)
    text = _tables(found)
    print(text)
    if args.output:
        _write(found, text, args.output)
    return lab.returncode


def _brief(found: Found) -> str:
    if found.race is not None:
        return f"{found.race.program}, {found.race.reals:,} reals: done"
    assert found.behaviour is not None
    return f"{found.behaviour.program}, {found.behaviour.situation}: {found.behaviour.seen}"


def _tables(found: list[Found]) -> str:
    races = [one.race for one in found if one.race is not None]
    behaviours = [one.behaviour for one in found if one.behaviour is not None]
    return "\n\n".join(([race_table(races)] if races else []) + ([behaviour_table(behaviours)] if behaviours else []))


def _write(found: list[Found], text: str, directory: Path) -> None:
    images = directory / "images"
    images.mkdir(parents=True, exist_ok=True)
    races = [one.race for one in found if one.race is not None]
    picture = ""
    if races:
        from bench.contest.plots import draw  # noqa: PLC0415 - matplotlib, which the lab's side does without

        draw(races, images / "contest.png")
        picture = "\n\n![The contest, drawn](images/contest.png)"
    when = time.strftime("%d %B %Y")
    head = f"# The contest\n\nBy `python -m bench.contest --output docs`, {when}. What it says is in performance.md."
    (directory / "contest.md").write_text(f"{head}\n\n{text}{picture}\n")


if __name__ == "__main__":
    sys.exit(main())
