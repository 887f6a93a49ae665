"""What a program does when things go wrong around it: one function per row of the table. Runs in the lab.

Each begins with two reals up in a fresh network, ends with everything removed, and says in a few words what was seen;
whether that is fit for production is judged there, too, by what clients would have noticed.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.arena import Listeners, listening
from bench.contestants import PORT, Contestant
from lab import ipvs
from lab.namespaces import command, in_namespace
from lab.net import Network

POLL = 0.02
START_TIMEOUT = 20.0
PATIENCE = 40.0
"""Seconds after which what has not been repaired is not going to be."""
FOREIGN = "10.9.9.9:99"


class Behaviour(msgspec.Struct, frozen=True):
    """What was seen of one program in one situation."""

    program: str
    situation: str
    seen: str
    good: bool


Seen = tuple[str, bool]


class Scene:
    """A network with two reals, and a program that can be started, killed and started again."""

    def __init__(self, contestant: Contestant, network: Network, listeners: Listeners, directory: Path) -> None:
        self.listeners = listeners
        self.reals = [real.address for real in network.reals]
        self._contestant = contestant
        self._network = network
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, reals: Sequence[str] = (), *, settled: bool = True) -> None:
        """Start the program with these reals, or with all; and wait until they are up."""
        reals = reals or self.reals
        argv = self._contestant.prepare(self._directory, self._network.vip, reals)
        with in_namespace(self._network.director), (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        if settled:
            self.until(lambda: all(self.weight(real) > 0 for real in reals), START_TIMEOUT)

    def kill(self) -> None:
        """kill -9, the whole program."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def kill_main(self) -> None:
        """kill -9, the main process only."""
        assert self._process is not None
        self._process.kill()

    def terminate(self) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(START_TIMEOUT)
        self._process = None
        return status

    def ipvsadm(self, *arguments: str) -> None:
        """Do by hand what a stranger would."""
        with in_namespace(self._network.director):
            command("ipvsadm", *arguments)

    @property
    def vip(self) -> str:
        """The service's address and port."""
        return f"{self._network.vip}:{PORT}"

    @property
    def table(self) -> dict[str, dict[str, ipvs.Counts]]:
        """What the kernel has now."""
        with in_namespace(self._network.director):
            return ipvs.table()

    @property
    def scheduler(self) -> str:
        """The service's, as the kernel has it."""
        with in_namespace(self._network.director):
            return ipvs.saved()[f"tcp://{self.vip}"].options["-s"]

    @property
    def ours(self) -> dict[str, ipvs.Counts]:
        """The service's reals."""
        return self.table.get(f"tcp://{self.vip}", {})

    def weight(self, address: str) -> int:
        """A real's, 0 if it is not there."""
        found = self.ours.get(f"{address}:{PORT}")
        return found.weight if found is not None else 0

    def until(self, condition: Callable[[], bool], timeout: float) -> float | None:
        """Seconds until the condition holds; None if it does not in time."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < timeout:
            if condition():
                return passed
            time.sleep(POLL)
        return None


def foreign_services(scene: Scene) -> Seen:
    """Another program's service is there before, meanwhile and after."""
    scene.ipvsadm("-A", "-t", FOREIGN, "-s", "rr")
    scene.ipvsadm("-a", "-t", FOREIGN, "-r", "10.8.8.8:99", "-m", "-w", "3")
    before = scene.table[f"tcp://{FOREIGN}"]
    scene.start()
    running = scene.table.get(f"tcp://{FOREIGN}")
    scene.terminate()
    stopped = scene.table.get(f"tcp://{FOREIGN}")
    good = before == running == stopped
    return ("untouched" if good else "changed or deleted", good)


def strange_scheduler(scene: Scene) -> Seen:
    """A foreign service has a scheduler that few have heard of."""
    scene.ipvsadm("-A", "-t", FOREIGN, "-s", "ovf")
    scene.start(settled=False)
    up = scene.until(lambda: all(map(scene.weight, scene.reals)), START_TIMEOUT)
    there = f"tcp://{FOREIGN}" in scene.table
    return (f"works{'' if there else ', and deletes it'}" if up is not None else "refuses to work"), bool(up) and there


def own_address_taken(scene: Scene) -> Seen:
    """The service is there already, with another scheduler and a stranger's real."""
    scene.ipvsadm("-A", "-t", scene.vip, "-s", "lc")
    scene.ipvsadm("-a", "-t", scene.vip, "-r", "10.8.8.8:80", "-m", "-w", "3")
    scene.start()
    scene.until(lambda: scene.scheduler == "wrr" and len(scene.ours) == 2, 3.0)
    scheduler, strangers = scene.scheduler, len(scene.ours) - 2
    good = scheduler == "wrr" and not strangers
    return (f"scheduler {scheduler}, {strangers or 'no'} stranger's real", good)


def edited_weight(scene: Scene) -> Seen:
    """Somebody changes a weight by hand."""
    scene.start()
    right = scene.weight(scene.reals[0])
    scene.ipvsadm("-e", "-t", scene.vip, "-r", f"{scene.reals[0]}:{PORT}", "-m", "-w", "7")
    return _repaired(scene.until(lambda: scene.weight(scene.reals[0]) == right, PATIENCE))


def deleted_real(scene: Scene) -> Seen:
    """Somebody deletes a real by hand."""
    scene.start()
    scene.ipvsadm("-d", "-t", scene.vip, "-r", f"{scene.reals[0]}:{PORT}")
    return _repaired(scene.until(lambda: scene.weight(scene.reals[0]) > 0, PATIENCE))


def _repaired(after: float | None) -> Seen:
    return (
        (f"never repaired (in {PATIENCE:.0f} s)", False) if after is None else (f"repaired after {after:.0f} s", True)
    )


def terminated(scene: Scene) -> Seen:
    """SIGTERM."""
    scene.start()
    status = scene.terminate()
    return (f"service {'stays' if scene.ours else 'removed'}, exit status {status}", not scene.ours and status == 0)


def killed_and_started(scene: Scene) -> Seen:
    """kill -9, and started again a second later: the lowest count of reals in service until 3 s after that."""
    scene.start()
    scene.kill()
    fewest = 2
    end = time.monotonic() + 1.0
    for restarted in (False, True):
        if restarted:
            scene.start(settled=False)
            end = time.monotonic() + 4.0
        while time.monotonic() < end:
            fewest = min(fewest, sum(real.weight > 0 for real in scene.ours.values()))
            time.sleep(POLL)
    return (f"at least {fewest} of 2 reals in service all the time", fewest == 2)


def died_meanwhile(scene: Scene) -> Seen:
    """A real dies while the program is down after a kill -9."""
    scene.start()
    scene.kill()
    scene.listeners.close(scene.reals[0])
    scene.start(settled=False)
    return _out(scene.until(lambda: scene.weight(scene.reals[0]) == 0, 10.0))


def dropped_meanwhile(scene: Scene) -> Seen:
    """A real is taken from the config while the program is down after a kill -9."""
    scene.start()
    scene.kill()
    scene.start(scene.reals[1:], settled=False)
    return _out(scene.until(lambda: f"{scene.reals[0]}:{PORT}" not in scene.ours, 10.0))


def _out(after: float | None) -> Seen:
    return ("stays in service", False) if after is None else (f"out {after:.1f} s after the start", True)


def main_process_killed(scene: Scene) -> Seen:
    """kill -9 of the main process only: what is in service in the 5 s after that."""
    scene.start()
    scene.kill_main()
    lost = scene.until(lambda: not any(real.weight for real in scene.ours.values()), 5.0)
    return ("reals stay in service", True) if lost is None else (f"outage after {lost:.1f} s", False)


SITUATIONS: dict[str, Callable[[Scene], Seen]] = {
    "foreign services at start, running, stop": foreign_services,
    "a foreign service with a rare scheduler": strange_scheduler,
    "own VIP and port there, another scheduler": own_address_taken,
    "a weight changed by hand": edited_weight,
    "a real deleted by hand": deleted_real,
    "SIGTERM": terminated,
    "`kill -9` and restart": killed_and_started,
    "a real died while it was down": died_meanwhile,
    "a real left the config while it was down": dropped_meanwhile,
    "only its main process killed": main_process_killed,
}


def behaviours(contestant: Contestant) -> Iterator[Behaviour]:
    """One program through all of it."""
    for situation, act in SITUATIONS.items():
        with _scene(contestant) as scene:
            yield Behaviour(contestant.name, situation, *act(scene))


@contextmanager
def _scene(contestant: Contestant) -> Iterator[Scene]:
    with (
        tempfile.TemporaryDirectory() as files,
        Network(reals=2, shared=True) as network,
        listening(network) as listeners,
    ):
        network.add_vip(network.vip)
        scene = Scene(contestant, network, listeners, Path(files))
        try:
            yield scene
        finally:
            scene.kill()
