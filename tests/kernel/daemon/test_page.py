"""What the page's stream tells while a real dies in a real kernel, and while somebody edits an entry by hand."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.namespaces import command, in_namespace
from lab.net import Network
from lab.reals import Reals
from tests.kernel.director import WEIGHT, Director, balancer, until

SERVICE = "tcp://10.0.0.100:80"
FIRST, SECOND = "10.2.0.10:80", "10.2.0.11:80"


class Listener:
    """The messages of ``/events``, read by curl, each with when it came."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.messages: list[tuple[float, str, Any]] = []
        self._lines = lines
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def of(self, kind: str) -> list[tuple[float, Any]]:
        """Those of one kind."""
        return [(at, data) for at, event, data in list(self.messages) if event == kind]

    def join(self) -> None:
        """Return once the stream has ended."""
        self._thread.join()

    def _read(self) -> None:
        event = ""
        for line in self._lines:
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                self.messages.append((time.monotonic(), event, json.loads(value)))


@contextmanager
def listening(director: Director) -> Iterator[Listener]:
    with in_namespace(director.network.director):
        curl = subprocess.Popen(
            ["curl", "--silent", "--no-buffer", "http://127.0.0.1:5678/events"], stdout=subprocess.PIPE, text=True
        )
    with curl:
        assert curl.stdout is not None
        listener = Listener(iter(curl.stdout))
        try:
            yield listener
        finally:
            curl.kill()
            listener.join()


def test_a_death_and_an_edit_by_hand_are_told_at_once(director: Director, network: Network, reals: Reals) -> None:
    director.configure(balancer(SERVICE, [FIRST, SECOND]), reconcile_interval="1s")
    director.start()
    director.wait_weights(SERVICE, {FIRST: WEIGHT, SECOND: WEIGHT})
    with listening(director) as listener:
        until(lambda: listener.of("beat"), "the stream")
        reals.behave("refuse", network.reals[0])
        director.wait_weights(SERVICE, {FIRST: 0, SECOND: WEIGHT})
        began = time.monotonic()
        told = until_changed(listener, {"real": FIRST, "condition": "down", "weight": 0, "kernel_weight": 0})
        print(f"from the kernel's weight (polled) to the page's: {(told - began) * 1000:.0f} ms")
        with in_namespace(network.director):
            command("ipvsadm", "-e", "-t", "10.0.0.100:80", "-r", SECOND, "-m", "-w", "7")
        until(lambda: any(fact["type"] == "DriftFound" for _, fact in listener.of("fact")), "the drift, told")
        until(lambda: listener.of("beat")[-1][1]["drift"]["count"] == 1, "the drift, counted")


def until_changed(listener: Listener, expected: dict[str, object]) -> float:
    """When a change was told that has these values."""

    def found() -> list[float]:
        return [
            at
            for at, changes in listener.of("changed")
            if any(expected.items() <= change.items() for change in changes)
        ]

    until(found, f"a change to {expected}")
    return found()[-1]
