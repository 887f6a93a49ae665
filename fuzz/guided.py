"""The driver that is guided by coverage: atheris (libFuzzer) on our code and on what parses for us."""

import importlib.util
import sys
from pathlib import Path

INSTRUMENTED = ["kglb", "journal", "fuzz", "dns"]

RESIDENT = 1024
"""Megabytes that the process may have in all: Python's own memory is bounded by ``bounds`` in the replays."""


def available() -> bool:
    """Whether atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


def run(target: str, seeds: Path, found: Path, scratch: Path, *, seed: int, seconds: float) -> None:
    """Fuzz until the time is over or something breaks, which goes to ``found``. Ends the process."""
    import atheris  # noqa: PLC0415 - an extra

    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzz import corpus, load  # noqa: PLC0415 - what is instrumented is what is imported here
        from fuzz.bounds import within_bounds  # noqa: PLC0415

        one_input = load(target)
        for path in corpus(target):
            one_input(path.read_bytes())  # imports what is imported only when it is needed
    options = [
        f"-max_total_time={int(seconds)}",
        f"-seed={seed}",
        f"-rss_limit_mb={RESIDENT}",
        f"-artifact_prefix={found}/",
        "-max_len=65536",
        "-print_final_stats=1",
        str(scratch),
        str(seeds),
    ]
    atheris.Setup([sys.argv[0], *options], lambda data: within_bounds(one_input, data))
    atheris.Fuzz()
