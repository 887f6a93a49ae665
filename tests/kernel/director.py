"""The daemon as a process in the director's namespace: start it, signal it, kill it, and see what it did.

What it did is seen from outside: by ipvsadm and /proc (``lab.ipvs``), and by its journal. Nothing here imports the
daemon's code but what reads a journal: the vocabulary and its fold.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import pytest

from journal import JournalReader
from kglb.events import Event, Record, decode
from kglb.projections import State
from lab.ipvs import SavedService, saved, table
from lab.namespaces import command, enter, in_namespace
from lab.net import Network
from tests.left_behind import remember
from tests.patience import PATIENCE

POLL = 0.02
"""Seconds between two looks at something: more often would take the one CPU from what is looked at."""

RUN = [sys.executable, "-c", "import sys; from kglb.cli.main import main; sys.exit(main())", "run"]

WEIGHT = 1000
"""A healthy real's weight unless the config says otherwise."""

CHECK = '{ type = "tcp", interval = "300ms", timeout = "300ms", rise = 1, fall = 1 }'
"""Frequent checks of which the first that fails counts; a real's kernel answers them, however busy the real is."""

Weights = dict[str, dict[str, int]]
"""Of each real of each service."""

E = TypeVar("E")
T = TypeVar("T")


def until(condition: Callable[[], T | None], what: str | Callable[[], str], timeout: float = PATIENCE) -> T:
    """What the condition says once it holds; fails the test, saying ``what`` did not happen, after ``timeout`` s.

    What is to be read in the end is a function.
    """
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() >= deadline:
            pytest.fail(f"after {timeout:g} s: {what if isinstance(what, str) else what()} did not happen")
        time.sleep(POLL)
    return found


def balancer(
    service: str,
    reals: Iterable[str],
    *,
    backups: Iterable[str] = (),
    scheduler: str = "rr",
    flags: Iterable[str] = (),
    forward: str = '"masquerade"',
    check: str = CHECK,
) -> str:
    """A ``[[balancer]]`` of a config, named after its service."""
    entries = [f'"{real}"' for real in reals] + [f'{{ address = "{real}", backup = true }}' for real in backups]
    return f"""
[[balancer]]
name = "{service}"
service = "{service}"
scheduler = "{scheduler}"
flags = {[*flags]}
forward = {forward}
reals = [{", ".join(entries)}]
check = {check}
"""


class Director:
    """One daemon after another on the same config file, journal and kernel; none is left at the end.

    ``log`` is what all of them wrote to stderr. They run in the network's director, or in ``namespace``.
    """

    def __init__(self, network: Network, directory: Path, *, namespace: str = "") -> None:
        self.network = network
        self.namespace = namespace or network.director
        self.config = directory / "config.toml"
        self.journal = directory / "journal"
        remember(self.journal)
        self.log = directory / "log"
        self.log.touch()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        with in_namespace(self.namespace):
            command("ipvsadm", "-C")
            command("ip", "address", "flush", "dev", "lo", "scope", "global")
        sys.stderr.write(self.log.read_text())  # which pytest shows if the test failed

    # --- the process ---------------------------------------------------------------------------------------------

    def configure(self, *balancers: str, reconcile_interval: str = "30s") -> None:
        """Write the config: these balancers, and a journal of our own."""
        head = f"""
journal = {{ directory = "{self.journal}" }}
data_plane = {{ reconcile_interval = "{reconcile_interval}" }}
"""
        self.config.write_text(head + "".join(balancers))

    def launch(self, *prefix: str) -> None:
        """Start the daemon and do not wait for it; ``prefix`` is a program that runs it, with arguments."""
        assert self._process is None, "one daemon at a time"
        with self.log.open("ab") as log, in_namespace(self.namespace):
            self._process = subprocess.Popen(
                [*prefix, *RUN, str(self.config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start(self, *prefix: str) -> None:
        """Start the daemon as ``launch`` does and return once it runs."""
        self.launch(*prefix)
        until(lambda: self._is_running() or self._has_ended(), "the daemon's start")
        assert not self._has_ended(), f"the daemon did not start:\n{self.log.read_text()}"

    @property
    def is_there(self) -> bool:
        """Whether a daemon was started and nobody has waited for its end."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The running daemon's."""
        assert self._process is not None
        return self._process.pid

    def tell(self, number: signal.Signals) -> None:
        """Send the daemon a signal."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """The exit status of the daemon once it has ended by itself."""
        assert self._process is not None
        status = self._process.wait(PATIENCE)
        self._process = None
        return status

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell the daemon to stop; its exit status."""
        self.tell(number)
        return self.wait()

    def kill(self) -> None:
        """``kill -9``, if it runs."""
        if self._process is not None:
            self._process.kill()
            self.wait()

    def verb(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a verb beside the daemon, as an operator would."""
        with in_namespace(self.namespace):
            return subprocess.run(
                [*RUN[:-1], *arguments], text=True, capture_output=True, timeout=PATIENCE, check=False
            )

    def _is_running(self) -> bool:
        lines = [json.loads(line) for line in self.log.read_text().split("\n")[:-1] if line.startswith("{")]
        return any(line["event"] == "running" and line["pid"] == self.pid for line in lines)

    def _has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    # --- what it did ---------------------------------------------------------------------------------------------

    def records(self, after: int = 0) -> list[Record[Event]]:
        """What the journal holds now, after a record; raises ``Damaged`` unless it is intact."""
        return list(JournalReader(self.journal, decode).records(after + 1))

    def events(self, kind: type[E], after: int = 0) -> list[E]:
        """The events of one kind, after a record."""
        return [record.event for record in self.records(after) if isinstance(record.event, kind)]

    def last_seq(self) -> int:
        """The number of the newest record; 0 without a journal."""
        return self.records()[-1].seq if self.journal.exists() else 0

    def status(self, path: str) -> str:
        """What the status server answers, whatever the answer's status."""
        with in_namespace(self.namespace):
            return command("curl", "--silent", "--show-error", f"http://127.0.0.1:5678{path}")

    def scraped(self, series: str) -> float | None:
        """The value of one series of the metrics now."""
        found = re.search(rf"^{re.escape(series)} (\S+)$", self.status("/metrics"), re.MULTILINE)
        return float(found[1]) if found else None

    def saved(self) -> dict[str, SavedService]:
        """What ``ipvsadm -Sn`` prints."""
        with in_namespace(self.namespace):
            return saved()

    def addresses(self) -> str:
        """What ``ip`` prints of the addresses on lo, in a form to compare."""
        with in_namespace(self.namespace):
            return command("ip", "-brief", "address", "show", "dev", "lo")

    def weights(self) -> Weights:
        """What the kernel holds now."""
        with in_namespace(self.namespace):
            return weights_now()

    def recorded_weights(self) -> Weights:
        """What the journal says that the kernel holds."""
        state = State()
        for record in self.records():
            state.fold(record.seq, record.event)
        held = state.data_plane.actual.destinations
        return {service: {real: one.weight for real, one in reals.items()} for service, reals in held.items()}

    def wait_weights(
        self, service: str, expected: dict[str, int], timeout: float = PATIENCE, *, recorded: bool = True
    ) -> None:
        """Return once the service's reals have these weights in the kernel, and a running daemon's journal says so.

        The record comes after what the kernel does; not ``recorded`` is what a disk may not take.
        """
        what = f"{service} with weights {expected}"
        until(lambda: self.weights().get(service) == expected, lambda: f"{what} instead of {self.weights()}", timeout)
        if recorded and self._process is not None:
            until(lambda: self.recorded_weights().get(service) == expected, f"the record of {what}", timeout)


def weights_now() -> Weights:
    """The weights in the calling thread's namespace."""
    return {service: {real: counts.weight for real, counts in reals.items()} for service, reals in table().items()}


class Poller:
    """Looks at one service's weights in the kernel all the time, on a thread; ``seen`` is every state it saw."""

    def __init__(self, network: Network, service: str) -> None:
        self.seen: list[dict[str, int] | None] = []
        self._network = network
        self._service = service
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        enter(self._network.director)
        while not self._stopping.wait(POLL):
            now = weights_now().get(self._service)
            if now not in self.seen:
                self.seen.append(now)
