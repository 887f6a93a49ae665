"""A BGP session in a ``Network``: ExaBGP on the director, BIRD as the router on the client's side.

Both are Debian's and PyPI's own programs, started as an operator would. What the router has learned is what its
``birdc`` prints; nothing here looks into the daemon.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.namespaces import CommandError, command, in_namespace, spawn
from lab.net import Network

ROOT = Path(__file__).resolve().parent.parent
DIRECTOR, ROUTER = "10.1.0.1", Network.client_address
POLL = 0.02
PATIENCE = 60.0
"""Seconds that a session may take to come up in the lab's kernel."""

_BIRD = f"""
router id {ROUTER};
protocol device {{ }}
protocol bgp director {{
    local {ROUTER} as 65000;
    neighbor {DIRECTOR} as 65001;
    passive;
    ipv4 {{ import all; export none; }};
}}
"""

_EXABGP = f"""
process kglb {{
    run HELPER;
    encoder text;
}}
neighbor {ROUTER} {{
    router-id {DIRECTOR};
    local-address {DIRECTOR};
    local-as 65001;
    peer-as 65000;
    family {{ ipv4 unicast; }}
    api {{ processes [ kglb ]; }}
}}
"""

_HELPER = """#!/bin/sh
cd {root}
exec {python} -c 'import sys; from kglb.cli.main import main; sys.exit(main())' exabgp-helper --socket {socket}
"""


class Bird:
    """The router. ``routes`` is what it has learned from the director."""

    def __init__(self, network: Network, directory: Path) -> None:
        self._network = network
        self._config = directory / "bird.conf"
        self._control = directory / "bird.ctl"
        self._config.write_text(_BIRD)

    @contextmanager
    def running(self) -> Iterator["Bird"]:
        """Run it for the length of the block."""
        with spawn(self._network.client, ["bird", "-f", "-c", str(self._config), "-s", str(self._control)]):
            yield self

    def routes(self) -> dict[str, str]:
        """The attributes, as birdc prints them, of each prefix."""
        try:
            with in_namespace(self._network.client):
                printed = command("birdc", "-s", str(self._control), "show", "route", "all")
        except CommandError:
            return {}
        found = re.split(r"^(\d\S+)", printed, flags=re.MULTILINE)[1:]
        return dict(zip(found[::2], found[1::2], strict=True))

    def wait(self, prefix: str, *, present: bool, timeout: float = PATIENCE) -> float:
        """The seconds until the router has, or has not, a route; raises TimeoutError."""
        begun = time.monotonic()
        while (prefix in self.routes()) != present:
            if time.monotonic() - begun > timeout:
                raise TimeoutError(f"{prefix} {'not learned' if present else 'still there'} after {timeout:g} s")
            time.sleep(POLL)
        return time.monotonic() - begun


class ExaBgp:
    """The director's BGP speaker, with our helper as its process; it can end and start again."""

    def __init__(self, network: Network, directory: Path) -> None:
        self.socket = directory / "exabgp.sock"
        self._network = network
        self._config = directory / "exabgp.conf"
        self._log = directory / "exabgp.log"
        helper = directory / "helper"
        helper.write_text(_HELPER.format(root=ROOT, python=sys.executable, socket=self.socket))
        helper.chmod(0o755)
        self._config.write_text(_EXABGP.replace("HELPER", str(helper)))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and do not wait for its session."""
        environment = {**os.environ, "exabgp.daemon.user": "root", "exabgp.api.respawn": "true"}
        with self._log.open("ab") as log, in_namespace(self._network.director):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "exabgp", "server", str(self._config)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, and with it its helper."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(PATIENCE)

    def freeze(self) -> None:
        """Stop it where it stands: it answers nobody, and its session lives until the router gives up."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    @property
    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text() if self._log.exists() else ""
