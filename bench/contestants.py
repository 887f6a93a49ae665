"""The programs that are compared: how each is configured for the same task, and how it is started.

The task: one TCP virtual service, masquerading, weighted round robin, a TCP check of each real each second, one
failure takes it out, one success puts it in.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.config import config_text

PORT = 80
INTERVAL = 1.0


class Contestant(NamedTuple):
    """A program: its name, and what writes its config to a directory and returns the command that starts it."""

    name: str
    prepare: Callable[[Path, str, Sequence[str]], list[str]]


def _kglb(directory: Path, vip: str, reals: Sequence[str]) -> list[str]:
    config = directory / "kglb.toml"
    targets = [f"{real}:{PORT}" for real in reals]
    text = config_text(directory, service=f"tcp://{vip}:{PORT}", reals=targets, check="tcp", interval=INTERVAL)
    config.write_text(text)
    return [sys.executable, "-m", "kglb.cli.main", "run", str(config)]


def _keepalived(directory: Path, vip: str, reals: Sequence[str]) -> list[str]:
    servers = "\n".join(
        f"    real_server {real} {PORT} {{ weight 1000\n TCP_CHECK {{ connect_timeout 1\n retry 0\n }}\n }}"
        for real in reals
    )
    config = directory / "keepalived.conf"
    config.write_text(
        f"virtual_server {vip} {PORT} {{\n delay_loop {INTERVAL:g}\n lb_algo wrr\n lb_kind NAT\n protocol TCP\n alpha\n"
        f"{servers}\n}}\n"
    )
    pids = [f"--{kind}pid={directory / kind}.pid" for kind in ("", "checkers_")]
    return ["keepalived", "--check", "--dont-fork", f"--use-file={config}", *pids]


CONTESTANTS = (Contestant("kglb-actors", _kglb), Contestant("keepalived", _keepalived))
