"""Real servers of a ``Network``: start them, and tell them to answer, fail, hang, refuse, die and come back.

Each answers HTTP with its own name as the body, and echoes TCP and UDP after its name. The work is done by a
process of their own (``lab.server``). A real that loses its packets is the network's doing: ``Network.drop``.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from lab.namespaces import spawn
from lab.net import Network, Real

Behaviour = Literal["answer", "error", "hang", "refuse", "dead"]
"""``answer``: with 200; ``error``: with 500; ``hang``: accept and never answer; ``refuse``: new connections
are reset, old ones live; ``dead``: all are reset, as when the process was killed."""

HTTP_PORT = 80
HTTP_ONLY: Mapping[str, int] = {"http": HTTP_PORT}
HTTP_AND_ECHO: Mapping[str, int] = {"http": HTTP_PORT, "tcp_echo": 7, "udp_echo": 7}

ROOT = Path(__file__).resolve().parent.parent


class Reals:
    """The reals of a network, serving from entering the context until leaving it.

    A real with a namespace of its own listens on all its addresses, so on a VIP that it holds too. Those that
    share a namespace listen each on its own. ``ports`` names the services: http, tcp_echo, udp_echo.
    Raises RuntimeError with what the process said when it cannot listen.
    """

    def __init__(self, network: Network, ports: Mapping[str, int] = HTTP_AND_ECHO) -> None:
        self.network = network
        self.ports = dict(ports)
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._process = stack.enter_context(
                spawn(
                    self.network.director,
                    [sys.executable, "-m", "lab.server"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    directory=ROOT,
                )
            )
            self._order("serve", [self._description(real) for real in self.network.reals])
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def behave(self, behaviour: Behaviour, *reals: Real) -> None:
        """Make these reals (all of them if none are given) behave so, from the return of this call on."""
        self._order("behave", [real.name for real in reals or self.network.reals], behaviour)

    def kill(self) -> None:
        """Kill the process of all reals at once; there is no coming back."""
        self._process.kill()
        self._process.wait()

    def _description(self, real: Real) -> list[object]:
        addresses = [real.address, real.address6] if real.shared else ["0.0.0.0", "::"]
        return [real.name, real.namespace, addresses, self.ports]

    def _order(self, *order: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        if (answer := self._process.stdout.readline().decode().strip()) != "ok":
            raise RuntimeError(f"the real servers' process: {answer or 'ended; see its standard error'}")
