"""``python -m bench``: every measurement, one after the other. Each also runs by itself: see ``bench/README.md``."""

import os
import subprocess
import sys

COMMANDS = (
    ("lab", "run", "--", sys.executable, "-m", "bench.reaction"),
    ("lab", "run", "--", sys.executable, "-m", "bench.watch"),
    ("bench.vigil",),
    ("bench.contest", "--quick"),
    ("bench.capacity", "--reals", "5100"),
    ("bench.daemon_cpu", "--check", "tcp"),
    ("bench.daemon_cpu", "--check", "http"),
    ("bench.scale",),
    ("bench.journal",),
)


def main() -> int:
    """Run all; returns how many failed."""
    failed = 0
    for module, *arguments in COMMANDS:
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
