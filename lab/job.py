"""What to run, and with which surroundings: the same for a lab kernel and for the host. It runs nothing."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TIMED_OUT = 124
"""Exit status when the job did not end in time, as timeout(1) has it."""

LAB_FAILED = 125
"""Exit status when the lab itself failed: the job's own status is unknown."""

SYSTEM_DIRECTORIES = ("/usr/local/sbin", "/usr/sbin", "/sbin")
KEPT_VARIABLES = ("CI", "LANG", "TZ", "VIRTUAL_ENV")
KEPT_PREFIXES = ("KGLB_", "LC_", "PYTEST_", "PYTHON")


class LabError(Exception):
    """The lab cannot run the job; the message says what is missing or what went wrong, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command with its surroundings. ``timeout`` in seconds; ``shared`` directories are the host's."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    timeout: float
    shared: tuple[Path, ...] = ()


def environment(extra: Sequence[str] = (), source: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a job: some variables of ``source`` and ``extra``, ``NAME=VALUE`` or a ``NAME``.

    The home directory is a scratch one, so that no job reads or leaves files in a person's own.
    """
    kept = {name: text for name, text in source.items() if name in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES)}
    path = source.get("PATH", "/usr/bin:/bin").split(os.pathsep)
    kept["PATH"] = os.pathsep.join(path + [directory for directory in SYSTEM_DIRECTORIES if directory not in path])
    kept["HOME"] = "/tmp"
    kept["PYTHONUNBUFFERED"] = "1"
    kept["COLUMNS"] = str(shutil.get_terminal_size().columns)
    kept |= {"TERM": source.get("TERM", "linux")} if sys.stdout.isatty() else {"TERM": "dumb", "NO_COLOR": "1"}
    for item in extra:
        name, equals, text = item.partition("=")
        if equals or name in source:
            kept[name] = text if equals else source[name]
    return kept
