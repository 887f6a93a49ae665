"""One program with so many reals: cold starts, steady state, single deaths, a tenth at once, one real replaced.

Runs in the lab. All times are the kernel's (see ``bench.witness``) but the beginning of a start or a reload, which is
when it was ordered.
"""

import os
import random
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.arena import Death, Listeners, Steady, kill_one, listening, watch_steady
from bench.contestants import Contestant
from bench.spare import Spare
from bench.witness import Witness
from lab.namespaces import spawn
from lab.net import Network

PAUSE = 0.2
"""Seconds, and up to twice that, between a real's return and the next one's death."""


FEWEST_CHECKS = 500
"""A second; below it what they cost cannot be told from what the machine does besides."""


class Effort(msgspec.Struct, frozen=True):
    """How much is measured: cold starts, seconds of steady state, single deaths, mass failures, reloads."""

    starts: int = 3
    steady: float = 10.0
    deaths: int = 12
    masses: int = 3
    reloads: int = 3


class Race(msgspec.Struct, frozen=True):
    """What was measured: seconds, but ``deaths`` in milliseconds (see ``Reaction``)."""

    program: str
    reals: int
    starts: list[float]
    steady: Steady
    deaths: list[Death]
    masses: list[float]
    reloads: list[float]

    @property
    def costs(self) -> list[float]:
        """CPU seconds per 1,000 checks, of each window; none where so few checks drown in the error."""
        return self.steady.cpu_per_1000_checks if self.reals >= FEWEST_CHECKS else []


def race(contestant: Contestant, reals: int, effort: Effort) -> Race:
    """Run one program through all of it."""
    with (
        tempfile.TemporaryDirectory() as name,
        Network(reals=reals + 1, shared=True) as network,
        listening(network) as listeners,
        Witness(network) as witness,
        Spare(Path(name)) as spare,
        Path(name, "log").open("ab") as log,
    ):
        network.add_vip(network.vip)
        *addresses, substitute = [real.address for real in network.reals]
        starts = [_start_once(contestant, network, addresses, witness, log.fileno()) for _ in range(effort.starts - 1)]
        files = Path(name, "last")
        files.mkdir()
        argv = contestant.prepare(files, network.vip, addresses)
        began = time.time()
        with spawn(network.director, argv, stdout=log.fileno(), stderr=log.fileno()) as program:
            starts.append(witness.wait_for_all(addresses, up=True, since=began) - began)
            steady = watch_steady(program.pid, witness, spare, effort.steady)
            deaths = _deaths(addresses, listeners, witness, effort.deaths)
            masses = [_mass(addresses, listeners, witness, number) for number in range(effort.masses)]
            reloads = []
            for _ in range(effort.reloads):
                old, addresses[0] = addresses[0], substitute
                substitute = old
                contestant.prepare(files, network.vip, addresses)
                ordered = time.time()
                os.kill(program.pid, signal.SIGHUP)
                reloads.append(witness.wait_for(addresses[0], up=True, since=ordered).at - ordered)
                witness.look_for(2.0)
        return Race(contestant.name, reals, starts, steady, deaths, masses, reloads)


def _start_once(
    contestant: Contestant, network: Network, addresses: Sequence[str], witness: Witness, log: int
) -> float:
    """Start from nothing until all reals are up, and stop."""
    with tempfile.TemporaryDirectory() as files:
        argv = contestant.prepare(Path(files), network.vip, addresses)
        began = time.time()
        with spawn(network.director, argv, stdout=log, stderr=log):
            return witness.wait_for_all(addresses, up=True, since=began) - began


def _deaths(addresses: Sequence[str], listeners: Listeners, witness: Witness, samples: int) -> list[Death]:
    choice, found = random.Random(len(addresses)), []
    for _ in range(samples):
        found.append(kill_one(choice.choice(addresses), listeners, witness))
        time.sleep(PAUSE * (1.0 + choice.random()))
    return found


def _mass(addresses: Sequence[str], listeners: Listeners, witness: Witness, seed: int) -> float:
    """A tenth of the reals dies at once: how long until the last of them is out."""
    dying = random.Random(seed).sample(addresses, max(1, len(addresses) // 10))
    killed = time.time()
    listeners.close(*dying)
    out = witness.wait_for_all(dying, up=False, since=killed)
    revived = time.time()
    listeners.listen(*dying)
    witness.wait_for_all(dying, up=True, since=revived)
    witness.look_for(1.0)
    return out - killed
