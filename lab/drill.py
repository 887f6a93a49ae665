"""``python -m lab.drill DIRECTORY``: one incident after another, made on purpose, for the journal to explain.

Runs in the lab (``python -m lab run``), with the daemon and the verbs as processes. What is done to the reals takes a
fixed number of check intervals, whatever the daemon makes of it, so that two drills with other thresholds are the same
drill. It leaves the journal, what was really done and when, and what the kernel held in the end, in DIRECTORY, for
``lab.postmortem``.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

import msgspec

from lab.incident import ask
from lab.namespaces import command, in_namespace
from lab.narration import Narrator
from lab.net import Network, Real
from lab.reals import HTTP_ONLY, Behaviour, Reals
from lab.stage import PATIENCE, SERVICE, Stage

JOURNAL, LOG, ACCOUNT = "journal", "daemon.log", "account.json"
NOTE = "new disk"
DISK = "1m"
"""The size of the file system that the journal is on."""

SHORT, LONG = 2.2, 12.0
"""Check intervals: too short for any ``fall`` from 4 on, and long enough for all up to 10, on a busy machine too."""

WAYS_TO_FAIL: tuple[Behaviour, ...] = ("hang", "error")
MOST_TURNS = 30

REASONS: dict[Behaviour, str] = {"refuse": "refused", "hang": "timeout", "error": "status"}
"""What checks say of a real that behaves so."""

CONFIG = """\
[data_plane]
kind = "ipvs"
reconcile_interval = "1s"

[control]
socket = "{socket}"

[[balancer]]
name = "web"
service = "{service}"
scheduler = "wrr"
forward = "masquerade"
weight = 1000
reals = {reals}

[balancer.check]
type = "http"
path = "/"
interval = "{interval}ms"
timeout = "{timeout}ms"
rise = 2
fall = {fall}
"""


class Fault(msgspec.Struct, frozen=True):
    """What was done to a real, in which scene, from when to when (Unix time), and what checks say of it (a pattern)."""

    scene: str
    real: str
    reason: str
    begun: float
    ended: float


class Account(msgspec.Struct):
    """What really happened. ``interval`` is in seconds; ``full`` is when the disk was, the drill's last scene.

    ``kernel`` is what ``ipvsadm -Sn`` printed in the end, ``addresses`` are those on lo.
    """

    interval: float
    fall: int
    faults: list[Fault] = []
    drained: float = 0.0
    meddled: float = 0.0
    killed: float = 0.0
    full: float = 0.0
    kernel: str = ""
    addresses: str = ""


class Drill:
    """The scenes, on a stage. ``beat`` waits for a number of check intervals."""

    def __init__(self, stage: Stage, account: Account, socket: Path) -> None:
        self._stage = stage
        self._account = account
        self._socket = socket
        self._ids = {real.name: f"{real.address}:80" for real in stage.network.reals}

    def beat(self, intervals: float) -> None:
        """Let so many check intervals pass."""
        time.sleep(intervals * self._account.interval)

    def fail(self, scene: str, behaviour: Behaviour, intervals: float, *reals: Real) -> None:
        """Have reals behave so for so many intervals, and well again for as long as it takes to be up."""
        begun = time.time()
        self._stage.reals.behave(behaviour, *reals)
        self.beat(intervals)
        self._stage.reals.behave("answer", *reals)
        ended = time.time()
        self._account.faults += [Fault(scene, self._ids[real.name], REASONS[behaviour], begun, ended) for real in reals]
        self.beat(4)
        self._stage.wait(lambda: all(self._stage.weights.now.values()), "every real had its weight again")

    def reals_fail(self) -> None:
        """One flaps, one hangs, all are down."""
        narrator, (flapping, hanging, _) = self._stage.narrator, self._stage.network.reals
        narrator.say(f"{self._ids[flapping.name]} flaps: it refuses connections for two checks, or three, twice.")
        for _ in range(2):
            self.fail("flap", "refuse", SHORT, flapping)
        narrator.say(f"{self._ids[hanging.name]} is slow: it accepts, and does not answer in time.")
        self.fail("slow", "hang", LONG, hanging)
        narrator.say("All are down.")
        self.fail("all down", "refuse", LONG, *self._stage.network.reals)

    def people_interfere(self) -> None:
        """An operator drains one; somebody edits the weight of another, behind the daemon's back."""
        stage, (one, _, other) = self._stage, self._stage.network.reals
        stage.narrator.say(f'An operator drains {self._ids[other.name]} ("{NOTE}"), and restores it.')
        socket = ("--socket", str(self._socket))
        self._account.drained = time.time()
        ask(("drain", self._ids[other.name], "--note", NOTE, *socket), stage.journal)
        stage.wait(lambda: not stage.weights.now[other.name], "the drained real had weight 0")
        ask(("restore", self._ids[other.name], *socket), stage.journal)
        stage.wait(lambda: bool(stage.weights.now[other.name]), "the restored real had its weight again")
        stage.narrator.say(f"A foreign hand gives {self._ids[one.name]} weight 7, with ipvsadm.")
        self._account.meddled = time.time()
        with in_namespace(stage.network.director):
            command("ipvsadm", "-e", "-t", SERVICE.removeprefix("tcp://"), "-r", self._ids[one.name], "-m", "-w", "7")
        stage.wait(lambda: stage.weights.now[one.name] == 1000, "the weight was repaired")

    def die(self, daemon: "subprocess.Popen[bytes]") -> None:
        """Kill the daemon."""
        self._stage.narrator.say("The daemon is killed (kill -9), and another one started.")
        self._account.killed = time.time()
        daemon.kill()
        daemon.wait()

    def fill_the_disk(self, disk: Path) -> None:
        """Leave the journal no room, have two reals fail in turns meanwhile, and give the room back.

        A tmpfs has room in its last page, for some records: so they fail in another way again and again.
        """
        stage, victims = self._stage, self._stage.network.reals[1:]
        names = " and ".join(self._ids[real.name] for real in victims)
        stage.narrator.say(f"The journal's disk is full. {names} fail meanwhile, and stay so.")
        ballast = disk / "ballast"
        self._account.full = time.time()
        fill(ballast)
        for behaviour in islice(cycle(WAYS_TO_FAIL), MOST_TURNS):
            stage.reals.behave(behaviour, *victims)
            self.beat(1.5)
            if not stage.healthy():
                break
        stage.wait(lambda: not any(stage.weights.now[real.name] for real in victims), "those that fail had weight 0")
        stage.narrator.claim("/healthz says that the journal is degraded", holds=not stage.healthy())
        ballast.unlink()
        stage.wait(stage.healthy, "the journal had recovered")
        reason = "|".join(REASONS[behaviour] for behaviour in WAYS_TO_FAIL)
        self._account.faults += [
            Fault("disk full", self._ids[real.name], reason, self._account.full, time.time()) for real in victims
        ]


def fill(ballast: Path) -> None:
    """Write until there is no room left."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


def play(stage: Stage, account: Account, disk: Path) -> None:
    """All scenes, and what the kernel holds after them."""
    drill = Drill(stage, account, disk / "control.sock")
    stage.narrator.heading(f"An incident drill, fall = {account.fall}")
    with stage.daemon() as first:
        stage.wait(lambda: all(stage.weights.now.values()), "every real had its weight")
        stage.wait(stage.healthy, "the daemon was ready")
        drill.reals_fail()
        drill.people_interfere()
        drill.die(first)
    with stage.daemon() as second:
        stage.wait(stage.healthy, "the second daemon was ready")
        drill.beat(4)
        drill.fill_the_disk(disk)
        second.send_signal(signal.SIGUSR2)
        status = second.wait(timeout=PATIENCE)
    with in_namespace(stage.network.director):
        account.kernel, account.addresses = command("ipvsadm", "-Sn"), addresses()
    stage.narrator.claim(
        f"the daemon leaves with exit status {status}, and the kernel as it is",
        holds=not status and bool(account.kernel),
    )


def addresses() -> str:
    """The addresses on lo of the calling thread's namespace, one a line."""
    shown = command("ip", "-o", "address", "show", "dev", "lo", "scope", "global")
    return "".join(f"{line.split()[3]}\n" for line in shown.splitlines())


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system of its own, of size DISK."""
    with tempfile.TemporaryDirectory(prefix="kglb-drill-") as scratch:
        command("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", scratch)
        try:
            yield Path(scratch)
        finally:
            command("umount", "--lazy", scratch)


def main(directory: Path, *, interval: float, fall: int) -> int:
    """Play; returns the exit status."""
    narrator, account = Narrator(), Account(interval, fall)
    shutil.rmtree(directory / JOURNAL, ignore_errors=True)
    directory.mkdir(parents=True, exist_ok=True)
    log, config = directory / LOG, directory / "config.toml"
    log.unlink(missing_ok=True)
    with small_disk() as disk, Network(reals=3) as network, Reals(network, HTTP_ONLY) as reals:
        config.write_text(
            CONFIG.format(
                socket=disk / "control.sock",
                service=SERVICE,
                reals=[f"{real.address}:80" for real in network.reals],
                interval=round(interval * 1000),
                timeout=round(interval * 900),
                fall=fall,
            )
        )
        stage = Stage(network, reals, narrator, disk / JOURNAL, log, str(config))
        try:
            play(stage, account, disk)
        except (TimeoutError, RuntimeError, subprocess.TimeoutExpired) as error:
            narrator.claim(str(error), holds=False)
        shutil.copytree(stage.journal, directory / JOURNAL, ignore=shutil.ignore_patterns("*.lock"))
    (directory / ACCOUNT).write_bytes(msgspec.json.format(msgspec.json.encode(account)) + b"\n")
    return 1 if narrator.broken else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between two checks (%(default)s)")
    parser.add_argument("--fall", type=int, default=2, help="failures after which a real is down (%(default)s)")
    given = parser.parse_args()
    sys.exit(main(given.directory, interval=given.interval, fall=given.fall))
