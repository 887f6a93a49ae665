"""What a run of a measurement found, in a file: with machine, date and command, so that it can be drawn again."""

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

Row = TypeVar("Row")
DIRECTORY = Path(__file__).with_name("results")


class Results(msgspec.Struct, Generic[Row], frozen=True):
    """One run: the command that makes it again, when and on what it was made, and what it found."""

    command: str
    date: str
    machine: str
    found: Sequence[Row]

    @property
    def origin(self) -> str:
        """Where this comes from, as a sentence."""
        return f"`{self.command}`, {self.date}, {self.machine}."


def keep(name: str, command: str, found: Sequence[object]) -> None:
    """Write what a run found to the directory of results."""
    results = Results(command, time.strftime("%d %B %Y %H:%M UTC", time.gmtime()), _machine(), found)
    DIRECTORY.mkdir(exist_ok=True)
    (DIRECTORY / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def _machine() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} processors ({model}), Linux {platform.release().partition('-')[0]}, "
        f"CPython {platform.python_version()}, load {load:.1f} at the end"
    )
