"""``kglb-actors run`` with its journal on a real file system that fills up: it goes on, and says so in every place."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.checks.servers import free_port
from tests.patience import PATIENCE
from tests.small_disk import command_on_small_disk

RUN = "import sys; from kglb.cli.main import main; sys.exit(main())"
MOST_FAILOVERS = 20

CONFIG = """
data_plane = {{ kind = "memory" }}
journal = {{ directory = "{disk}/journal" }}
status = {{ listen = "127.0.0.1:{port}" }}
control = {{ socket = "{socket}" }}

[[balancer]]
name = "web"
service = "tcp://192.0.2.10:80"
reals = ["127.0.0.1:{real}", "127.0.0.2:{real}"]
check = {{ type = "tcp", interval = "50ms", timeout = "500ms", rise = 1, fall = 1 }}
"""


LACKING = re.compile(
    r"\Awarning: \S+/journal lacks the newest [1-9]\d* records?: since [\d:.]+ the disk takes none "
    r"\(.*No space left on device.*\); kglb-actors status has what is now\n\Z"
)


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


class Seen:
    """A daemon on a small disk as it is seen from outside: over HTTP, in its log, and on its own file system."""

    def __init__(self, process: subprocess.Popen[str], port: int, disk: Path, log: Path) -> None:
        self._process = process
        self._port = port
        self._log = log
        self.disk = Path(f"/proc/{process.pid}/root") / disk.relative_to("/")

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    def weight(self, host: str) -> float:
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith("kglb_real_applied_weight")]
        return next((float(line.split()[-1]) for line in lines if host in line), -1.0)

    def says(self, event: str) -> bool:
        lines = [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]
        return any(line["event"] == event for line in lines)

    def fill(self) -> None:
        """Leave not a byte of room."""
        found = os.statvfs(self.disk)
        (self.disk / "ballast").write_bytes(b"\0" * (found.f_bavail * found.f_frsize))


def listening(host: str, port: int = 0) -> socket.socket:
    return socket.create_server((host, port))


@contextmanager
def on_small_disk(tmp_path: Path, port: int, real: int) -> Iterator[Seen]:
    disk, config, log = tmp_path / "disk", tmp_path / "config.toml", tmp_path / "log"
    config.write_text(CONFIG.format(disk=disk, port=port, real=real, socket=tmp_path / "control.sock"))
    command = command_on_small_disk(disk, [sys.executable, "-c", RUN, "run", str(config)])
    with log.open("w") as stderr, subprocess.Popen(command, stderr=stderr, text=True) as process:
        try:
            yield Seen(process, port, disk, log)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def test_a_full_disk_stops_no_failover_is_told_everywhere_and_is_made_up_for(tmp_path: Path) -> None:
    with listening("127.0.0.1") as steady:
        port: int = steady.getsockname()[1]
        with on_small_disk(tmp_path, free_port(), port) as daemon:
            fail_over(daemon, "127.0.0.2", port)
            until(lambda: daemon.get("/healthz") == (200, "ok\n"), "health")
            daemon.fill()
            for _ in range(MOST_FAILOVERS):  # until the last page of the segment is full, too
                fail_over(daemon, "127.0.0.2", port)
                if daemon.get("/healthz")[0] == 503:
                    break
            fail_over(daemon, "127.0.0.2", port)
            assert "the journal is degraded" in daemon.get("/healthz")[1]
            assert "No space left on device" in daemon.get("/healthz")[1]
            assert "kglb_journal_degraded 1" in daemon.get("/metrics")[1]
            until(lambda: daemon.says("journal degraded"), "the line in the log")
            for said in told_by_readers(daemon):
                until(lambda: LACKING.search(said()), "the warning")  # noqa: B023
            (daemon.disk / "ballast").unlink()
            until(lambda: daemon.get("/healthz") == (200, "ok\n"), "the recovery")
            until(lambda: daemon.says("journal recovered"), "the line in the log")
            assert {said() for said in told_by_readers(daemon)} == {""}
            checked = subprocess.run(
                [sys.executable, "-c", RUN, "journal", "fsck", str(daemon.disk / "journal")],
                capture_output=True,
                text=True,
                check=False,
            )
            assert checked.returncode == 0, checked.stdout


def told_by_readers(daemon: Seen) -> Iterator[Callable[[], str]]:
    """Asks each verb that reads the journal what it says on stderr of it as it is now.

    None waits longer than a second for the daemon to say whether that is all, and says nothing after that.
    """
    journal = str(daemon.disk / "journal")
    for arguments in (
        ["tail", "--journal", journal],
        ["tail", "--journal", journal, "--until", "now"],
        ["explain", "web", "--journal", journal],
        ["replay", journal],
        ["replay", journal, "--diff", "1.."],
        ["report", journal, "-o", "-"],
        ["whatif", journal],
        ["journal", "metrics", journal],
    ):
        yield partial(complaint, *arguments)
    for arguments in (["explain", "web", "--seq", "9", "--journal", journal], ["replay", journal, "--diff", "1..9"]):
        assert complaint(*arguments) == "", f"{arguments}: what is asked is in the journal"


def complaint(*arguments: str) -> str:
    """What a verb says on stderr."""
    return subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=True).stderr


def fail_over(daemon: Seen, host: str, port: int) -> None:
    """A real comes up and goes down, and its weight with it."""
    with listening(host, port):
        until(lambda: daemon.weight(host) > 0, "the real's coming up")
    until(lambda: daemon.weight(host) == 0, "the failover")
