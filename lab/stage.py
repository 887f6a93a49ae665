"""Where the demonstration plays: the network, the reals, the daemon as a process, a client that never stops asking.

Knows how to start, watch and ask; what happens, and what it means, is for ``lab.demo`` to say.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from lab.client import Client
from lab.incident import VERBS
from lab.namespaces import in_namespace, spawn
from lab.narration import Narrator
from lab.net import Network
from lab.reals import Reals
from lab.watch import KernelWeights

CONFIG = "examples/demo.toml"
SERVICE = f"tcp://{Network.vip}:80"
STATUS = ("127.0.0.1", 5678)
RATE = 50.0
"""The client's requests a second."""

REQUEST_TIMEOUT = 10.0
"""Seconds after which a request counts as failed."""

POLL = 0.01
PATIENCE = 60.0
"""Seconds that anything may take before the demonstration gives up."""

SOME = 100
"""Requests that are enough to see who answers, and how often."""


class Stage:
    """The pieces, all in place but for the daemon. ``log`` is where the daemon's standard error goes."""

    def __init__(
        self, network: Network, reals: Reals, narrator: Narrator, journal: Path, log: Path, config: str = CONFIG
    ) -> None:
        self.network = network
        self.reals = reals
        self.narrator = narrator
        self.journal = journal
        self.log = log
        self.config = config
        names = {f"{real.address}:80": real.name for real in network.reals}
        self.weights = KernelWeights(network.director, SERVICE, names)
        self.client = Client(network.client, network.vip, rate=RATE, timeout=REQUEST_TIMEOUT)
        self._second = 0
        self._daemon: subprocess.Popen[bytes] | None = None

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """``kglb-actors run`` on the director, for the length of the block."""
        argv = [*VERBS, "run", self.config, "--journal", str(self.journal)]
        with (
            self.log.open("ab") as log,
            spawn(self.network.director, argv, stdout=log.fileno(), stderr=log.fileno()) as process,
        ):
            self._daemon = process
            yield process

    def healthy(self) -> bool:
        """Whether the daemon's ``/healthz`` answers 200."""
        with in_namespace(self.network.director):
            connection = HTTPConnection(*STATUS, timeout=PATIENCE)
            try:
                connection.request("GET", "/healthz")
                return connection.getresponse().status == 200
            except OSError:
                return False
            finally:
                connection.close()

    def wait(self, condition: Callable[[], bool], what: str) -> float:
        """Look at the kernel until the condition holds; returns the seconds that took.

        Raises TimeoutError, and RuntimeError when the daemon has ended.
        """
        begun = time.monotonic()
        self.weights.look()
        while not condition():
            if self._daemon is not None and self._daemon.poll() is not None:
                raise RuntimeError(f"the daemon ended with {self._daemon.returncode} before {what}; see {self.log}")
            if time.monotonic() - begun > PATIENCE:
                raise TimeoutError(f"waited {PATIENCE:g} s in vain until {what}; see {self.log}")
            time.sleep(POLL)
            self.weights.look()
        return time.monotonic() - begun

    def wait_for_requests(self, since: float) -> None:
        """Return once SOME that began at this moment (monotonic seconds) or later have finished; raises as ``wait``."""
        self.wait(lambda: len(self.client.samples(since)) >= SOME, f"{SOME} requests had finished")

    def watch(self, seconds: int, note: str = "", until: Callable[[], bool] = lambda: True) -> None:
        """Print a row of the table each second, and more (up to PATIENCE) until the condition holds.

        ``note`` is what was done at the beginning of the first.
        """
        self.narrator.table([real.name for real in self.network.reals])
        finished = len(self.client.samples())
        for number in range(int(PATIENCE)):
            if number >= seconds and until():
                break
            begun = time.monotonic()
            while time.monotonic() < begun + 1:
                self.weights.look()
                time.sleep(POLL)
            samples = self.client.samples()[finished:]
            finished += len(samples)
            self._second += 1
            notes = [note] if note and number == 0 else []
            notes += [
                f"{change.real}: weight {change.before} -> {change.weight}" for change in self.weights.since(begun)
            ]
            answered = {name: sum(sample.real == name for sample in samples) for name in self.weights.now}
            self.narrator.row(
                self._second, self.weights.now, answered, sum(bool(sample.error) for sample in samples), notes
            )
        self.narrator.gap()
