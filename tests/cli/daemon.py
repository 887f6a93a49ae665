"""A real daemon as a process, on a machine that is only memory: no root, no traffic."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from journal import JournalReader
from kglb.events import Event, OperationsApplied, Record, decode
from kglb.model import AddDestination, ChangeDestination
from tests.left_behind import remember
from tests.patience import PATIENCE

COMMAND = [sys.executable, "-c", "import sys; from kglb.cli.main import main; sys.exit(main())"]

ONE = """
[status]
listen = "off"
[data_plane]
kind = "memory"
[[balancer]]
name = "web"
service = "tcp://192.168.100.10:80"
reals = ["192.168.100.100:80"]
[balancer.check]
type = "dummy"
interval = "50ms"
timeout = "50ms"
rise = 1
"""

TWO = ONE.replace('"192.168.100.100:80"', '"192.168.100.100:80", "192.168.100.101:80"')
BAD = TWO.replace("dummy", "dumy").replace("interval", "intervall")


class Site:
    """A config and a journal, and the daemon that uses them."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config.toml"
        self.journal = directory / "journal"
        self.socket = directory / "control.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, text: str, path: Path | None = None) -> None:
        own = f'journal = {{ directory = "{self.journal}" }}\ncontrol = {{ socket = "{self.socket}" }}\n'
        (path or self.config).write_text(own + text)

    def records(self) -> list[Record[Event]]:
        return list(JournalReader(self.journal, decode).records())

    def wait(self, condition: Callable[[list[Event]], object], timeout: float = PATIENCE) -> None:
        """Return once the journal's events are as wanted."""
        deadline = time.monotonic() + timeout
        while not (self.journal.exists() and condition([record.event for record in self.records()])):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)

    def wait_up(self, real: str) -> None:
        """Return once the machine has the real with its full weight."""
        self.wait(lambda events: any(_brings_up(event, real) for event in events))


def _brings_up(event: Event, real: str) -> bool:
    return isinstance(event, OperationsApplied) and any(
        isinstance(operation, AddDestination | ChangeDestination)
        and operation.destination.real == real
        and operation.destination.weight > 0
        for operation in event.operations
    )


@contextmanager
def running(site: Site, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """The daemon, with these variables beside ours, killed at the end if it still runs."""
    remember(site.journal)
    with subprocess.Popen(
        [*COMMAND, "run", str(site.config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | environ,
    ) as process:
        site.process = process
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=PATIENCE)
