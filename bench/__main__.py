"""``python -m bench``: what docs/performance.md rests on, in 30 to 35 minutes; then its tables and pictures anew.

    python -m bench
    python -m bench --quick
    python -m bench contest capacity

Each also runs by itself: see ``bench/README.md``.
"""

import argparse
import os
import subprocess
import sys

IN_LAB = ("lab", "run", "--", sys.executable, "-m")
COMMANDS: dict[str, tuple[str, ...]] = {
    "contest": ("bench.contest", "--keep"),
    "capacity": ("bench.capacity", "--keep"),
    "growth": ("bench.growth", "--keep"),
    "watch": (*IN_LAB, "bench.watch", "--samples", "10"),
    "journal": ("bench.journal", "--rounds", "1"),
    "publish": ("bench.publish",),
}
QUICKER = ("contest", "capacity", "growth")


def main() -> int:
    """Run all, or those that are named; returns how many failed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(COMMANDS)}")
    parser.add_argument("--quick", action="store_true", help="few samples, small sizes, and nothing else")
    args = parser.parse_args()
    if unknown := sorted(set(args.names) - COMMANDS.keys()):
        parser.error(f"expected some of {', '.join(COMMANDS)}, found {', '.join(unknown)}")
    failed = 0
    for name in args.names or (QUICKER if args.quick else COMMANDS):
        module, *arguments = COMMANDS[name]
        if args.quick and name in QUICKER:
            arguments = ["--quick"]
        print(f"== {' '.join([module, *arguments]).replace(sys.executable, 'python')}", flush=True)
        pin = _pin if module == "lab" else None
        failed += (
            subprocess.run([sys.executable, "-m", module, *arguments], preexec_fn=pin, check=False).returncode != 0
        )
    return failed


def _pin() -> None:
    """Keep the lab's kernel on one processor: its processes wait for each other, and moving them is what costs."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main())
