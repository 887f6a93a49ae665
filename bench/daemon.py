"""The whole daemon on the host, with the memory data plane: started, asked for its metrics, and ended."""

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.config import JOURNAL, config_text
from journal import JournalReader
from kglb.events import HealthChanged, decode

START_TIMEOUT = 90.0
WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""Ends the daemon with the process that measures it, however that ends."""
_LAST = 1 << 20
_DECISION = re.compile(rb'"type":"BalancerDecided"[^{}]*?"alive":\d+')


class Daemon:
    """A daemon that runs: its process, its journal, and what its metrics say."""

    def __init__(self, process: subprocess.Popen[bytes], journal: Path, status: str) -> None:
        self.pid = process.pid
        self.journal = journal
        self._process = process
        self._status = status

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; raises OSError while nobody answers."""
        with urllib.request.urlopen(f"http://{self._status}/stats", timeout=10.0) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    def wait_alive(self, reals: int) -> None:
        """Wait until so many reals are up; raises TimeoutError, or RuntimeError if the daemon ends."""
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the daemon ended with {self._process.returncode}")
            if self._last_decision().endswith(b'"alive":%d' % reals):
                return
            time.sleep(0.2)
        raise TimeoutError(f"not all of {reals} reals were up after {START_TIMEOUT:g} s")

    def _last_decision(self) -> bytes:
        """How the newest decision of the balancer begins, up to how many are alive; by the journal's last bytes, since
        asking a daemon of 50,000 reals for its metrics is work that would show.
        """
        segments = sorted(self.journal.glob("*.jsonl"))
        if not segments:
            return b""
        with segments[-1].open("rb") as segment:
            segment.seek(max(0, segments[-1].stat().st_size - _LAST))
            decisions = _DECISION.findall(segment.read())
        return decisions[-1] if decisions else b""

    def all_up(self, reals: int) -> float:
        """When the last of so many reals was first marked up, by the journal; monotonic time."""
        up: dict[object, float] = {}
        for record in JournalReader(self.journal, decode).records():
            event = record.event
            if isinstance(event, HealthChanged) and event.healthy:
                up.setdefault(event.real, record.mono)
        if len(up) != reals:
            raise RuntimeError(f"the journal shows {len(up)} of {reals} reals up")
        return max(up.values())


def addresses(count: int) -> list[str]:
    """So many addresses of 127.0.0.0/8."""
    return [f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}" for number in range(count)]


@contextmanager
def running(reals: Sequence[str], *, check: str, interval: float, prefix: Sequence[str] = ()) -> Iterator[Daemon]:
    """The daemon with these reals, in a directory of its own, until the end of the block.

    ``prefix`` is a program that runs it, with arguments.
    """
    with TemporaryDirectory() as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        status = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        directory = Path(name)
        config = directory / "kglb.toml"
        service = "tcp://192.0.2.1:80"
        config.write_text(
            config_text(directory, service=service, reals=reals, check=check, interval=interval, status=status)
        )
        program = [*WITH_US, *prefix, sys.executable, "-m", "kglb.cli.main", "run", str(config)]
        with (
            (directory / "log").open("wb") as log,
            subprocess.Popen([*program, "--data-plane", "memory"], stdout=log, stderr=log) as process,
        ):
            try:
                yield Daemon(process, directory / JOURNAL, status)
            finally:
                process.kill()
                process.wait()
