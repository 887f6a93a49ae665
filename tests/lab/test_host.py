"""``python -m lab run --on host``: on the host's kernel, apart from the host's network."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from lab import host
from lab.job import TIMED_OUT, Job, LabError, environment


def job(*command: str, timeout: float = 30.0) -> Job:
    return Job(command=command, environment=environment(), directory=Path.cwd(), timeout=timeout)


@pytest.fixture
def pretended_ip_vs(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    monkeypatch.setattr(host, "has_ip_vs", lambda: True)


def test_it_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="only root"):
        host.run(job("true"))


def test_it_needs_ip_vs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(host, "has_ip_vs", lambda: False)
    monkeypatch.setattr(shutil, "which", lambda *_args, **_options: None)
    with pytest.raises(LabError, match="has no ip_vs"):
        host.run(job("true"))


@pytest.mark.usefixtures("pretended_ip_vs")
def test_the_command_has_a_network_of_its_own_that_ends_with_it(capfd: pytest.CaptureFixture[str]) -> None:
    before = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    script = "ip -o link | wc -l; ip netns add lab-trace; ip netns; exit 7"
    assert host.run(job("sh", "-c", script)) == 7
    assert capfd.readouterr().out.split() == ["1", "lab-trace"]
    assert (os.listdir("/run/netns") if os.path.isdir("/run/netns") else []) == before


@pytest.mark.usefixtures("pretended_ip_vs")
def test_a_command_that_does_not_end_is_killed_with_its_children() -> None:
    assert host.run(job(sys.executable, "-c", "import time; time.sleep(60)", timeout=0.5)) == TIMED_OUT
