"""``python -m lab run -- COMMAND`` and ``python -m lab pytest ARGUMENTS``: run something where ip_vs is.

Exit status: the command's own; 124 when it did not end in time; 125 when the lab itself failed; 2 on a usage
error.
"""

import argparse
import os
import re
import signal
import sys
from pathlib import Path
from types import FrameType

from lab import host, kernel
from lab.job import LAB_FAILED, TIMED_OUT, Job, LabError, environment

PYTEST = ["-m", "pytest", "-p", "no:cacheprovider", "--basetemp=/tmp/pytest", "-o", "testpaths=tests/kernel"]
"""Keeps pytest's own files off the host, and runs the kernel tests when no others are named."""


def main() -> int:
    """Parse the command line and run the job; returns the exit status."""
    options, rest = _parser().parse_known_args()
    if options.verb == "pytest":
        command, extra = [sys.executable, *PYTEST, *rest], ["KGLB_REQUIRE_KERNEL=1"]
    else:
        command, extra = rest[1:] if rest[:1] == ["--"] else rest, []
    if not command:
        print("lab: expected a command, as in: python -m lab run -- ipvsadm -Sn", file=sys.stderr)
        return 2
    job = Job(
        command=tuple(command),
        environment=environment([*extra, *options.env]),
        directory=Path.cwd(),
        timeout=options.timeout,
        shared=tuple(options.share),
    )
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(job, options.on, options.mem)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return LAB_FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # nobody reads on: what is still buffered must not be written when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _run(job: Job, on: str, memory: str) -> int:
    """Run the job on the chosen ground and say which that is."""
    if on == "auto":
        on = "host" if kernel.missing_tools() else "kernel"
    if on == "host":
        print("lab: on the host's kernel, in a network namespace of its own", file=sys.stderr)
        status = host.run(job)
    else:
        print(f"lab: in a user-mode-linux kernel, {memory} of memory", file=sys.stderr)
        status = kernel.run(job, memory)
    if status == TIMED_OUT:
        print(f"lab: the command had not ended after {job.timeout:g} s and was killed", file=sys.stderr)
    return status


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _memory(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[MG]", text):
        raise argparse.ArgumentTypeError(f"expected a size such as 512M or 2G, found {text!r}")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__, allow_abbrev=False)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (
        ("run", "run a command: lab run -- COMMAND"),
        ("pytest", "run pytest: lab pytest ARGUMENTS"),
    ):
        command = verbs.add_parser(verb, help=text, allow_abbrev=False)
        command.add_argument("--timeout", type=float, default=900.0, help="seconds until the command is killed (900)")
        command.add_argument("--mem", type=_memory, default="1024M", help="memory of the lab kernel (1024M)")
        command.add_argument("--env", action="append", default=[], help="NAME=VALUE, or NAME to pass it on")
        command.add_argument(
            "--share",
            action="append",
            default=[],
            type=Path,
            help="a directory of the host to see below /tmp",
        )
        command.add_argument("--on", choices=("auto", "kernel", "host"), default="auto", help="where to run (auto)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
