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
    """A program: its name, what writes its config to a directory and returns the command that starts it, and the most
    reals it can check each second.
    """

    name: str
    prepare: Callable[[Path, str, Sequence[str]], list[str]]
    most_reals: int = 1_000_000


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


def _ldirectord(directory: Path, vip: str, reals: Sequence[str]) -> list[str]:
    """It asks one real after the other, and has a process for each service at most."""
    config = directory / "ldirectord.cf"
    servers = "\n".join(f"\treal={real}:{PORT} masq 1000" for real in reals)
    config.write_text(
        f'supervised = yes\nlogfile = "{directory / "log"}"\nquiescent = yes\nautoreload = no\n'
        f"checktimeout = 1\ncheckinterval = {INTERVAL:g}\ncheckcount = 1\nfork = no\n"
        f"virtual={vip}:{PORT}\n{servers}\n\tservice=none\n\tscheduler=wrr\n\tprotocol=tcp\n\tchecktype=connect\n"
    )
    return ["ldirectord", str(config), "start"]


KGLB = Contestant("kglb-actors", _kglb)
KEEPALIVED = Contestant("keepalived", _keepalived)
LDIRECTORD = Contestant("ldirectord", _ldirectord, most_reals=100)
CONTESTANTS = (KGLB, KEEPALIVED)
