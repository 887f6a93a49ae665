"""The unit is one that systemd takes without a word, and keeps the daemon in its place."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from kglb.cli.main import parser_for

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "packaging" / "systemd" / "kglb-actors.service"
NOTIFY = UNIT.with_name("kglb-actors-notify@.service")
DROP_INS = UNIT.with_name("kglb-actors.service.d")
MOST_EXPOSURE = 2.5

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


def systemd_version() -> int:
    printed = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    return int(printed.split()[1])


def copied(unit: Path, target: Path) -> Path:
    """A unit with a program that is on every machine."""
    target.write_text(unit.read_text().replace("/usr/bin/kglb-actors", "/bin/true"))
    return target


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    return copied(UNIT, tmp_path / UNIT.name)


@pytest.fixture
def notify(tmp_path: Path) -> Path:
    """An instance of the one that tells others."""
    return copied(NOTIFY, tmp_path / NOTIFY.name.replace("@", "@chat"))


def verify(unit: Path) -> str:
    ran = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


@needs_systemd
def test_systemd_has_nothing_to_say_about_the_units(unit: Path, notify: Path) -> None:
    assert unit.name not in verify(unit)
    assert notify.name not in verify(notify)


@needs_systemd
@pytest.mark.parametrize(("name", "since"), [("ping.conf", 0), ("notify-reload.conf", 253)])
def test_systemd_has_nothing_to_say_about_a_drop_in(unit: Path, name: str, since: int) -> None:
    if systemd_version() < since:
        pytest.skip(f"systemd {since} or newer knows what is in {name}")
    directory = unit.with_name(DROP_INS.name)
    directory.mkdir()
    shutil.copy(DROP_INS / name, directory)
    assert unit.name not in verify(unit)


@needs_systemd
def test_the_exposure_is_low(unit: Path, notify: Path) -> None:
    for each in (unit, notify):
        command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(each)]
        printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        found = re.search(r"Overall exposure level for \S+: ([\d.]+)", printed)
        assert found is not None, printed
        assert float(found[1]) < MOST_EXPOSURE


def test_the_daemon_has_one_capability_and_with_ping_one_more() -> None:
    unit, ping = configparser.ConfigParser(strict=False), configparser.ConfigParser()
    unit.read(UNIT)
    ping.read(DROP_INS / "ping.conf")
    for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
        assert unit["Service"][key] == "CAP_NET_ADMIN"
        assert ping["Service"][key] == "CAP_NET_RAW"


def test_the_command_of_the_unit_that_tells_others_is_one_that_the_program_takes() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(NOTIFY)
    words = unit["Service"]["ExecStart"].replace("$OPTIONS", "--format slack --batch 20 balancer=web").split()[1:]
    parser, _ = parser_for(words)
    assert parser.parse_args(words).filters == ["balancer=web"]


def test_a_restart_leaves_the_kernel_serving_and_a_config_with_mistakes_is_not_tried_again() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.read(UNIT)
    assert unit["Service"]["RestartKillSignal"] == "SIGUSR2"
    assert unit["Service"]["RestartPreventExitStatus"] == "2"
