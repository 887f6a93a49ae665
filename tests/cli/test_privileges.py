"""A daemon that is started as root keeps what its config takes, and what it starts has nothing at all."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from kglb.cli import capabilities
from kglb.cli.privileges import needed
from kglb.model import (
    AllCheck,
    Config,
    ControlConfig,
    DataPlaneConfig,
    ExecCheck,
    PingCheck,
    StatusConfig,
    TcpCheck,
    question_of,
)
from tests.cli.conftest import Command
from tests.cli.daemon import ONE, Site, running
from tests.projections.builders import balancer

as_root = pytest.mark.skipif(
    os.geteuid() != 0 or "CAP_DAC_OVERRIDE" not in capabilities.held(), reason="needs a root with its capabilities"
)

GIVE_UP = """
import json, os, subprocess, sys
from pathlib import Path
from kglb.cli.privileges import give_up
from kglb.config.load import load
source, user = Path(sys.argv[1]), int(sys.argv[2])
loaded = load(source)
os.setuid(user)
done = give_up(loaded, source)
child = subprocess.run(["/bin/cat", "/proc/self/status"], capture_output=True, text=True, check=True).stdout
ours = open("/proc/thread-self/status").read()
print(json.dumps({"warnings": done.warnings, "given_up": sorted(done.given_up), "ours": ours, "child": child}))
"""

START = """
import sys, time
from pathlib import Path
from kglb.checks import program
from kglb.cli.privileges import give_up
from kglb.config.load import load
from kglb.model import ExecCheck
source = Path(sys.argv[1])
give_up(load(source), source)
def start(script):
    return program.Process(ExecCheck(command=("/bin/sh", "-c", script)), {"PATH": "/usr/bin:/bin"})
asked = start("id -u; id -G; grep CapEff /proc/self/status; ls /proc/self/fd; env")
while asked.exit_status() is None:
    time.sleep(0.01)
print(asked.output())
asked.close()
start("sleep 60").close()
while program._dying:
    program.reap()
"""

IPVS = ONE.replace('"memory"', '"ipvs"')
NET_ADMIN, NET_RAW, DAC_OVERRIDE = 1 << 12, 1 << 13, 1 << 1


class Given:
    """What is left of the capabilities of a process that has loaded a config, and of one that it started."""

    def __init__(self, config: Path, user: int = 0) -> None:
        command = [sys.executable, "-c", GIVE_UP, str(config), str(user)]
        said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        self.warnings: list[str] = said["warnings"]
        self.given_up: list[str] = said["given_up"]
        self.ours, self.child = (_fields(said[which]) for which in ("ours", "child"))


def _fields(status: str) -> dict[str, int]:
    wanted = (line.split() for line in status.splitlines() if line.startswith(("Cap", "NoNewPrivs")))
    return {name.rstrip(":"): int(value, 16) for name, value in wanted}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_config_takes_what_its_data_plane_checks_and_port_take() -> None:
    memory = Config(data_plane=DataPlaneConfig(kind="memory"), status=StatusConfig(listen="127.0.0.1:5678"))
    ipvs = replace(memory, data_plane=DataPlaneConfig())
    assert needed(memory) == set()
    assert needed(ipvs) == {"CAP_NET_ADMIN"}
    assert needed(replace(ipvs, status=StatusConfig(listen="[::]:80"))) == {"CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE"}
    assert needed(replace(ipvs, control=ControlConfig(group="ops"))) == {"CAP_NET_ADMIN", "CAP_CHOWN"}
    pinging = replace(ipvs, balancers=(balancer(check=PingCheck(interval=1.0, timeout=1.0)),))
    assert needed(pinging) == {"CAP_NET_ADMIN", "CAP_NET_RAW"}
    several = AllCheck(checks=(question_of(TcpCheck()), question_of(PingCheck())))
    assert needed(replace(ipvs, balancers=(balancer(check=several),))) == {"CAP_NET_ADMIN", "CAP_NET_RAW"}


@as_root
def test_programs_that_run_as_somebody_else_take_the_right_to_start_and_kill_them() -> None:
    check = ExecCheck(command=("/bin/true",), interval=1.0, timeout=1.0)
    memory = Config(data_plane=DataPlaneConfig(kind="memory"), balancers=(balancer(check=check),))
    assert needed(memory) == {"CAP_KILL", "CAP_SETGID", "CAP_SETUID"}
    assert needed(replace(memory, balancers=(balancer(check=replace(check, user="root")),))) == set()


@as_root
def test_a_program_of_a_check_runs_as_nobody_and_can_be_killed(site: Site) -> None:
    """With nothing but what the daemon keeps; in a process of its own, because it cannot be taken back."""
    site.write(ONE.replace('"dummy"', '"exec"\ncommand = ["/bin/true"]'))
    ran = subprocess.run(
        [sys.executable, "-c", START, str(site.config)], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout == "65534 65534 CapEff: 0000000000000000 0 1 2 3 PATH=/usr/bin:/bin PWD=/\n"


@as_root
def test_root_keeps_only_what_the_config_takes_and_can_never_get_more(site: Site) -> None:
    site.write(IPVS)
    given = Given(site.config)
    assert given.warnings == []
    assert "CAP_DAC_OVERRIDE" in given.given_up
    assert given.ours == {
        "CapInh": 0,
        "CapPrm": NET_ADMIN,
        "CapEff": NET_ADMIN,
        "CapBnd": NET_ADMIN,
        "CapAmb": 0,
        "NoNewPrivs": 1,
    }


@as_root
def test_a_program_that_root_starts_has_nothing(site: Site) -> None:
    site.write(IPVS.replace('"dummy"', '"ping"'))
    given = Given(site.config)
    assert given.ours["CapEff"] == NET_ADMIN | NET_RAW
    assert (given.child["CapEff"], given.child["CapPrm"], given.child["NoNewPrivs"]) == (0, 0, 1)


@as_root
def test_a_root_whose_journal_is_somebody_elses_can_still_write_it_and_says_so(site: Site) -> None:
    site.write(IPVS)
    site.journal.mkdir()
    os.chown(site.journal, 65534, 65534)
    given = Given(site.config)
    assert given.ours["CapEff"] == NET_ADMIN | DAC_OVERRIDE
    assert given.warnings == [
        f"CAP_DAC_OVERRIDE is kept, because without it this user may not use {site.journal}",
    ]


@as_root
def test_a_config_that_only_its_owner_may_read_can_be_reloaded(site: Site) -> None:
    site.write(IPVS)
    site.config.chmod(stat.S_IRUSR)
    os.chown(site.config, 65534, 65534)
    (warning,) = Given(site.config).warnings
    assert str(site.config) in warning


@as_root
def test_a_user_without_any_privilege_loses_nothing_but_ways_to_get_some(site: Site) -> None:
    site.write(ONE)
    given = Given(site.config, user=65534)
    assert (given.given_up, given.warnings) == ([], [])
    assert (given.ours["CapEff"], given.ours["NoNewPrivs"]) == (0, 1)


@as_root
def test_every_thread_of_the_daemon_has_given_them_up(site: Site) -> None:
    site.write(ONE)
    with running(site) as process:
        site.wait_up("192.168.100.100:80")
        threads = list(Path(f"/proc/{process.pid}/task").iterdir())
        assert len(threads) > 3
        for thread in threads:
            left = _fields((thread / "status").read_text())
            assert (left["CapPrm"], left["CapEff"], left["CapBnd"]) == (0, 0, 0), thread


@as_root
def test_a_reload_that_takes_what_was_given_up_is_rejected_and_says_what_helps(kglb: Command, site: Site) -> None:
    site.write(ONE)
    with running(site) as process:
        site.wait_up("192.168.100.100:80")
        site.write(ONE.replace('"dummy"', '"ping"'))
        ran = kglb("reload", "--journal", site.journal)
        assert ran.code == 1
        assert "it takes CAP_NET_RAW, given up at the start: restart the daemon with it" in ran.err
        process.send_signal(signal.SIGTERM)
