"""A daemon on a machine that is only memory, whose reals are real listeners: they can be killed and revived."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.checks.servers import free_port
from tests.patience import PATIENCE

RUN = [sys.executable, "-c", "import sys; from kglb.cli.main import main; sys.exit(main())", "run"]


class Reals:
    """TCP servers on the loopback, by balancer; each is called by its ``address:port``."""

    def __init__(self, balancers: int, reals: int) -> None:
        self._listening: dict[str, socket.socket] = {}
        self._done = threading.Event()
        self.names = [
            [self.revive(f"127.1.{balancer}.{real}:0") for real in range(1, reals + 1)]
            for balancer in range(1, balancers + 1)
        ]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def kill(self, name: str) -> None:
        """Have it refuse connections."""
        self._listening.pop(name).close()

    def revive(self, name: str) -> str:
        """Have it accept them (again); port 0 is any that is free. Returns its name."""
        address, _, port = name.partition(":")
        listener = socket.create_server((address, int(port)))
        listener.setblocking(False)
        name = f"{address}:{listener.getsockname()[1]}"
        self._listening[name] = listener
        return name

    def close(self) -> None:
        """Kill all."""
        self._done.set()
        self._thread.join()
        for name in list(self._listening):
            self.kill(name)

    def _accept(self) -> None:
        while not self._done.wait(0.02):
            for listener in list(self._listening.values()):
                with suppress(OSError):  # nobody there, or killed just now
                    listener.accept()[0].close()


@contextmanager
def daemon(directory: Path, reals: Reals, *, names: tuple[str, ...] = ("web", "api", "static")) -> Iterator[str]:
    """A daemon that checks them five times a second; gives the address of its page."""
    port = free_port()
    config = directory / "config.toml"
    balancers = "".join(
        _balancer(name, number, hosts) for number, (name, hosts) in enumerate(zip(names, reals.names, strict=True))
    )
    config.write_text(
        f'[journal]\ndirectory = "{directory / "journal"}"\n[data_plane]\nkind = "memory"\n'
        f'[status]\nlisten = "127.0.0.1:{port}"\n[control]\nsocket = "{directory / "socket"}"\n{balancers}'
    )
    log = directory / "log"
    with log.open("wb") as output, subprocess.Popen([*RUN, str(config)], stdout=output, stderr=output) as process:
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(PATIENCE)
    assert re.search(r"Traceback|\"level\":\"error\"", log.read_text()) is None, log.read_text()


def _balancer(name: str, number: int, hosts: list[str]) -> str:
    reals = ", ".join(f'"{host}"' for host in hosts)
    return (
        f'[[balancer]]\nname = "{name}"\nservice = "tcp://192.0.2.{number + 10}:80"\nreals = [{reals}]\n'
        '[balancer.check]\ntype = "tcp"\ninterval = "200ms"\ntimeout = "200ms"\nrise = 1\nfall = 1\n'
    )


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, "the daemon does not listen"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
