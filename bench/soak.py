"""Minutes of traffic with random faults: memory, descriptors and threads end where they began, or it fails.

    python -m lab run --timeout 2400 -- python -m bench.soak --minutes 30 --seed 1

One daemon, never restarted. Each second or so something happens, chosen by the seed: a real dies, hangs, refuses, fails
or recovers; somebody edits or clears IPVS, deletes a VIP, adds a service of their own; the config is reloaded with
other reals, other checks or a mistake; a status client stalls, talks nonsense or floods. After ``WARM_UP`` a first
reading is taken in a calm moment, at the end another: they are compared. The real ``real0`` is never harmed. What
clients suffer is printed, not judged: faults of reals cost the requests that meet them.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bench.processes import own_cpu_seconds, resident_mb
from journal import JournalReader
from kglb.events import ActorCrashed, decode
from lab.client import Client
from lab.namespaces import CommandError, command, in_namespace, spawn
from lab.net import Network, Real
from lab.reals import Behaviour, Reals

REALS = 8
VIPS = ("10.0.0.100", "10.0.0.101", "10.0.0.102")
RATE = 20.0
"""Requests a second."""
WARM_UP = 120.0
CALM = 20.0
"""Seconds without faults before a reading: longer than any timeout of ours or of the kernel's for our sockets."""
MEMORY_SLACK = 6.0
"""MB that the end may have over the beginning: what a Python heap is apart from one moment to another."""
_OFTEN = 'interval = "500ms", timeout = "400ms"'
_CHECKS = (
    f'type = "tcp", watch = true, {_OFTEN}',
    f'type = "http", {_OFTEN}',
    f'type = "exec", command = ["/bin/true"], user = "root", {_OFTEN}',
)
_SELDOM = 'type = "tcp", interval = "1h", timeout = "400ms"'
STATUS = ("127.0.0.1", 5678)
START_TIMEOUT = 60.0


class Reading(NamedTuple):
    """The daemon at one moment."""

    at: float
    memory: float
    descriptors: int
    threads: int
    cpu: float


class Soak:
    """The lab, the daemon in it, and what is done to them. ``directory`` has config, journal and log."""

    def __init__(self, network: Network, reals: Reals, directory: Path, chance: random.Random) -> None:
        self.network = network
        self.reals = reals
        self.directory = directory
        self.chance = chance
        self.done: Counter[str] = Counter()
        self.config = directory / "config.toml"
        self.began = time.monotonic()
        self.stalled: list[socket.socket] = []
        self.pid = 0

    # --- config -------------------------------------------------------------------------------------------------

    def write(self, text: str) -> None:
        """Put a config in place; it is not read yet."""
        self.config.write_text(text)

    def some_config(self) -> str:
        """A valid config: each VIP with some of the reals, ``real0`` among them, and some check."""
        text = self._head()
        first, *others = self.network.reals
        for vip in VIPS if self.chance.random() < 0.8 else VIPS[:2]:
            reals = [first, *self.chance.sample(others, self.chance.randint(2, len(others)))]
            text += self._balancer(vip, reals, self.chance.choice(_CHECKS))
        return text

    def _head(self) -> str:
        journal = f'journal = {{ directory = "{self.directory / "journal"}", max_size = "16MiB" }}\n'
        return journal + 'data_plane = { reconcile_interval = "1s", on_stop = "cleanup" }\n'

    @staticmethod
    def _balancer(vip: str, reals: Sequence[Real], check: str) -> str:
        hosts = json.dumps([f"{real.address}:80" for real in reals])
        return (
            f'[[balancer]]\nname = "{vip}"\nservice = "tcp://{vip}:80"\nscheduler = "rr"\n'
            f"reals = {hosts}\ncheck = {{ {check}, rise = 1, fall = 1 }}\n"
        )

    def reload(self) -> None:
        """Another config."""
        self.write(self.some_config())
        os.kill(self.pid, signal.SIGHUP)

    def reload_a_mistake(self) -> None:
        """A config that is refused."""
        self.write(self.some_config().replace("interval", "intervall", 1))
        os.kill(self.pid, signal.SIGHUP)

    # --- faults -------------------------------------------------------------------------------------------------

    def some_real_behaves(self) -> None:
        """Any but ``real0``."""
        behaviours: tuple[Behaviour, ...] = ("answer", "answer", "error", "hang", "refuse", "dead")
        self.reals.behave(self.chance.choice(behaviours), self.chance.choice(self.network.reals[1:]))

    def all_but_one_die(self) -> None:
        """At once."""
        self.reals.behave("dead", *self.network.reals[1:])

    def stranger_edits(self) -> None:
        """A weight, a real or a whole service."""
        vip = self.chance.choice(VIPS)
        real = f"{self.chance.choice(self.network.reals[1:]).address}:80"
        edits = (
            f"ipvsadm -e -t {vip}:80 -r {real} -m -w {self.chance.randint(1, 9)}",
            f"ipvsadm -d -t {vip}:80 -r {real}",
            f"ipvsadm -E -t {vip}:80 -s wlc",
            f"ipvsadm -D -t {vip}:80",
            "ipvsadm -C",
            f"ip address del {vip}/32 dev lo",
            f"ipvsadm -A -t 203.0.113.{self.chance.randint(1, 9)}:25 -s lc",
        )
        with suppress(CommandError):  # what is not there cannot be edited
            self._command(self.chance.choice(edits))

    def clients_misbehave(self) -> None:
        """Towards the status server: some ask, some stall with half a request, some talk nonsense."""
        for said in (b"GET /metrics HTTP/1.1\r\n\r\n", b"GET /healthz HT", b"\x16\x03\x01\x00\xff nonsense\r\n\r\n"):
            with suppress(OSError), in_namespace(self.network.director):
                for _ in range(self.chance.randint(1, 40)):
                    client = socket.create_connection(STATUS, timeout=1.0)
                    client.sendall(said)
                    self.stalled.append(client)
        self._hang_up(self.stalled[:-60])

    def _hang_up(self, clients: list[socket.socket]) -> None:
        for client in clients:
            client.close()
        self.stalled = [client for client in self.stalled if client.fileno() >= 0]

    def _command(self, line: str) -> None:
        with in_namespace(self.network.director):
            command(*line.split())

    def something(self) -> None:
        """One fault, by chance."""
        faults: tuple[tuple[Callable[[], None], int], ...] = (
            (self.some_real_behaves, 10),
            (self.stranger_edits, 1),
            (self.clients_misbehave, 2),
            (self.reload, 2),
            (self.reload_a_mistake, 1),
            (self.all_but_one_die, 1),
        )
        (fault,) = self.chance.choices([fault for fault, _ in faults], [weight for _, weight in faults])
        self.done[fault.__name__] += 1
        fault()

    # --- readings -----------------------------------------------------------------------------------------------

    def calm(self) -> Reading:
        """A reading in a calm moment: the same config each time, every real well, no probe under way, nobody there."""
        self._hang_up(self.stalled)
        self.reals.behave("answer")
        self.write(self._head() + "".join(self._balancer(vip, self.network.reals, _SELDOM) for vip in VIPS))
        os.kill(self.pid, signal.SIGHUP)
        time.sleep(CALM)
        return self.read()

    def read(self) -> Reading:
        """The daemon now."""
        return Reading(
            at=time.monotonic() - self.began,
            memory=resident_mb(self.pid),
            descriptors=len(os.listdir(f"/proc/{self.pid}/fd")),
            threads=len(os.listdir(f"/proc/{self.pid}/task")),
            cpu=own_cpu_seconds(self.pid),
        )


def run(soak: Soak, seconds: float) -> tuple[Reading, Reading]:
    """Do it for so long; the readings after the warm-up and at the end."""
    print(f"{'s':>6}  {'MB':>6}  {'fds':>4}  {'threads':>7}  {'CPU s':>6}  faults", flush=True)
    first: Reading | None = None
    begun = shown = time.monotonic()
    while (now := time.monotonic()) < begun + seconds:
        if first is None and now > begun + min(WARM_UP, seconds / 3):
            first = soak.calm()
            show(first, "calm")
        soak.something()
        if now > shown + 60:
            shown = now
            show(soak.read(), str(soak.done.total()))
        time.sleep(soak.chance.uniform(0.0, 1.0))
    assert first is not None
    last = soak.calm()
    show(last, "calm")
    return first, last


def show(reading: Reading, note: str) -> None:
    """A row of the table."""
    print(
        f"{reading.at:6.0f}  {reading.memory:6.1f}  {reading.descriptors:4}  {reading.threads:7}  "
        f"{reading.cpu:6.1f}  {note}",
        flush=True,
    )


def judge(first: Reading, last: Reading, crashes: list[ActorCrashed]) -> list[str]:
    """What is not as it should be."""
    wrong = [f"an actor crashed: {crash.actor}: {crash.error}" for crash in crashes]
    if last.memory > first.memory + MEMORY_SLACK:
        wrong.append(f"memory grew from {first.memory:.1f} to {last.memory:.1f} MB")
    if last.descriptors > first.descriptors:
        wrong.append(f"descriptors grew from {first.descriptors} to {last.descriptors}")
    if last.threads > first.threads:
        wrong.append(f"threads grew from {first.threads} to {last.threads}")
    return wrong


def main() -> int:
    """Run it; 1 if something grew or an actor crashed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as directory,
        Network(reals=REALS) as network,
        Reals(network) as reals,
        Client(network.client, VIPS[0], rate=RATE, timeout=1.0) as client,
    ):
        soak = Soak(network, reals, Path(directory), random.Random(args.seed))
        soak.write(soak.some_config())
        daemon = [sys.executable, "-m", "kglb.cli.main", "run", str(soak.config)]
        with (
            (soak.directory / "log").open("wb") as log,
            spawn(network.director, daemon, stderr=log.fileno()) as process,
        ):
            soak.pid = process.pid
            _wait_until_it_serves(soak, process)
            wrong = judge(*run(soak, 60 * args.minutes), _crashes(soak))
        samples, failures = client.samples(), client.failures()
        print(f"{len(samples)} requests, {len(failures)} failed; {dict(soak.done)}")
    for line in wrong:
        print(f"NOT SO: {line}")
    print("ok: it ended where it began" if not wrong else "failed")
    return 1 if wrong else 0


def _crashes(soak: Soak) -> list[ActorCrashed]:
    records = JournalReader(soak.directory / "journal", decode).records()
    return [record.event for record in records if isinstance(record.event, ActorCrashed)]


def _wait_until_it_serves(soak: Soak, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while b'"running"' not in (log := (soak.directory / "log").read_bytes()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the daemon does not run: {log.decode(errors='replace')}")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
