"""The contest: ours beside Debian's keepalived, one after the other, in one kernel, in one run.

    python -m bench.contest
    python -m bench.contest --quick --sizes 10 100

The task: one TCP service, masquerading, a TCP check of each real each second, one failure takes it out, one success
puts it in; reals in another namespace, all of them one process. ldirectord runs beside them up to 100 reals, which is
as many as it can ask each second. See ``bench/README.md`` for how it is measured. Prints tables of Markdown; with
``--keep``, every sample goes to ``bench/results/contest.json``, from which ``python -m bench.publish`` draws again.
"""

import argparse
import os
import subprocess
import sys

import msgspec

from bench import results
from bench.compiled import compile_packages
from bench.contest.inside import Found
from bench.contest.race import Effort
from bench.contest.tables import tables

SIZES = (10, 100, 500, 1000, 2000)
QUICK = Effort(starts=1, steady=5.0, deaths=5, masses=1, reloads=1)
TIMEOUT = 2400


def main() -> int:
    """Run the contest in the lab; 0 if it ran to its end."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.contest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="numbers of reals")
    parser.add_argument("--quick", action="store_true", help="few samples of everything")
    parser.add_argument("--no-behaviour", action="store_true", help="races only")
    parser.add_argument("--keep", action="store_true", help="write bench/results/contest.json")
    args = parser.parse_args()
    effort = msgspec.json.encode(QUICK if args.quick else Effort()).decode()
    command = [sys.executable, "-m", "lab", "run", "--mem", "2G", "--timeout", str(TIMEOUT), "--"]
    command += [sys.executable, "-m", "bench.contest.inside", "--effort", effort, "--sizes", *map(str, args.sizes)]
    command += ["--no-behaviour"] if args.no_behaviour else []
    compile_packages()
    os.sched_setaffinity(
        0, {max(os.sched_getaffinity(0))}
    )  # the lab's processes wait for each other: moving them costs
    found: list[Found] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as lab:
        assert lab.stdout is not None
        for line in lab.stdout:
            found.append(msgspec.json.decode(line, type=Found))
            print(_brief(found[-1]), file=sys.stderr, flush=True)
    print(tables(found))
    if args.keep:
        results.keep("contest", " ".join(["python -m bench.contest", *sys.argv[1:]]), found)
    return lab.returncode


def _brief(found: Found) -> str:
    if found.race is not None:
        return f"{found.race.program}, {found.race.reals:,} reals: done"
    if found.lost is not None:
        return f"{found.lost.program}, {found.lost.reals:,} reals: {found.lost.why}"
    assert found.behaviour is not None
    return f"{found.behaviour.program}, {found.behaviour.situation}: {found.behaviour.seen}"


if __name__ == "__main__":
    sys.exit(main())
