"""A director whose sysctls are wrong: what the doctor says of it, and that its own commands cure it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.namespaces import command, in_namespace
from lab.net import Network

DOCTOR = [sys.executable, "-m", "kglb.cli.main", "doctor", "-o", "json"]

CONFIG = """
[journal]
directory = "{directory}/journal"
max_size = "1MiB"

[[balancer]]
name = "web"
service = "tcp://10.0.0.100:80"
scheduler = "rr"
persistence = "6m"
reals = ["10.2.0.10:80"]
check = {{ type = "tcp" }}

[[balancer]]
name = "tunnelled"
service = "tcp://10.0.0.101:80"
scheduler = "rr"
forward = "tunnel"
reals = ["10.2.0.11:80"]
fwmark_checks = true
check = {{ type = "tcp" }}
"""

WRONG = {
    "net.ipv4.ip_forward": 0,
    "net.ipv4.vs.conn_reuse_mode": 0,
    "net.ipv4.vs.expire_nodest_conn": 0,
    "net.ipv4.vs.expire_quiescent_template": 0,
    "net.ipv4.conf.lan.rp_filter": 1,
    "net.ipv4.conf.lan.accept_local": 0,
}


@pytest.fixture
def config(network: Network, tmp_path: Path) -> Path:
    with in_namespace(network.director):
        for service in ("10.0.0.200:80", "10.0.0.201:80"):  # which loads the scheduler, and is somebody else's
            command("ipvsadm", "-A", "-t", service, "-s", "rr")
        command("ipvsadm", "-D", "-t", "10.0.0.201:80")
        command("sysctl", "-qw", *(f"{name}={value}" for name, value in WRONG.items()))
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(directory=tmp_path))
    return path


def doctor(network: Network, config: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the findings by what they say."""
    with in_namespace(network.director):
        ran = subprocess.run([*DOCTOR, str(config)], stdout=subprocess.PIPE, check=False)
    return ran.returncode, {finding["what"]: finding for finding in json.loads(ran.stdout)}


def test_every_wrong_sysctl_is_found_and_cured_by_the_printed_command(network: Network, config: Path) -> None:
    code, findings = doctor(network, config)
    problems = [finding for finding in findings.values() if finding["level"] == "problem"]
    assert code == 1
    said = "\n".join(finding["what"] for finding in problems)
    assert [name for name in WRONG if name not in said] == []
    with in_namespace(network.director):
        for finding in problems:
            command("sh", "-ec", finding["fix"])
    code, findings = doctor(network, config)
    assert [what for what, finding in findings.items() if finding["level"] == "problem"] == []
    assert code == 0


def test_services_of_others_are_a_note(network: Network, config: Path) -> None:
    _, findings = doctor(network, config)
    assert findings["services that are not in this config: tcp://10.0.0.200:80"]["level"] == "note"
