"""``kglb-actors run`` as a process; where something is missing it says what, and what to do, and ends with 3."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from journal import JournalReader, open_journal
from kglb.events import DaemonStarted, DaemonStopping, JournalRepaired, OperationsApplied, decode
from lab.host import has_ip_vs
from tests.left_behind import remember
from tests.patience import PATIENCE

RUN = [sys.executable, "-c", "import sys; from kglb.cli.main import main; sys.exit(main())", "run"]

CONFIG = """
data_plane = {{ kind = "memory" }}
journal = {{ directory = "{journal}" }}
status = {{ listen = "{listen}" }}

[[balancer]]
name = "web"
service = "tcp://192.0.2.10:80"
reals = ["127.0.0.1:9"]
check = {{ type = "dummy", interval = "10ms", timeout = "10ms" }}
"""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    remember(tmp_path / "journal")
    return tmp_path / "journal"


@pytest.fixture
def config(tmp_path: Path, journal: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(journal=journal, listen="off"))
    return path


def run(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The daemon until it ends by itself."""
    return subprocess.run([*RUN, str(config), *options], capture_output=True, text=True, timeout=PATIENCE, check=False)


@contextmanager
def running(config: Path, journal: Path) -> Iterator[subprocess.Popen[str]]:
    """A daemon that has begun to record."""
    with subprocess.Popen([*RUN, str(config)], stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not any(segment.stat().st_size for segment in journal.glob("*.jsonl")):
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < deadline, "the daemon records nothing"
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def run_and_stop(config: Path, journal: Path) -> None:
    """A daemon that has begun its work and is told to stop: who is killed may leave a torn line."""
    with running(config, journal) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if '"OperationsApplied"' in line:
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


def test_it_runs_until_it_is_told_to_stop_and_cleans_up(config: Path, journal: Path) -> None:
    run_and_stop(config, journal)
    events = [record.event for record in JournalReader(journal, decode).records()]
    assert [type(event) for event in events if isinstance(event, DaemonStarted | DaemonStopping)] == [
        DaemonStarted,
        DaemonStopping,
    ]
    assert isinstance(events[-1], OperationsApplied)


def repairs_in(journal: Path) -> list[JournalRepaired]:
    return [r.event for r in JournalReader(journal, decode).records() if isinstance(r.event, JournalRepaired)]


def test_a_damaged_journal_is_set_aside_and_the_log_says_where(config: Path, journal: Path) -> None:
    run_and_stop(config, journal)
    segment = min(journal.glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes() + b"\0" * 100)
    with running(config, journal) as process:
        assert process.stderr is not None
        told = next(json.loads(line) for line in process.stderr if '"journal set aside"' in line)
        deadline = time.monotonic() + PATIENCE
        while not (repairs := repairs_in(journal)):
            assert time.monotonic() < deadline, "the repair is not recorded"
            time.sleep(0.01)
    assert (told["level"], told["file"], told["bytes"]) == ("warning", str(segment), 100)
    assert Path(told["kept_as"]).read_bytes() == b"\0" * 100
    assert [repair.kept_as for repair in repairs] == [Path(told["kept_as"]).name]


def test_a_locked_journal_is_not_written_to(config: Path, journal: Path) -> None:
    open_journal(journal)
    ended = run(config)
    assert ended.returncode == 3
    assert f"error: {journal} is being written by process {os.getpid()}" in ended.stderr
    assert "stop it, or use another directory" in ended.stderr
    assert list(journal.glob("*.jsonl")) == []


def test_a_status_port_in_use_is_named(config: Path, journal: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        config.write_text(CONFIG.format(journal=journal, listen=listen))
        ended = run(config)
    assert ended.returncode == 3
    assert f"error: cannot listen on {listen}: Address already in use\n" in ended.stderr
    assert "or change listen in [status]" in ended.stderr


def test_a_journal_that_cannot_be_made_is_named(config: Path, tmp_path: Path) -> None:
    ended = run(config, "--journal", str(config / "journal"))
    assert ended.returncode == 3
    assert f"error: {config / 'journal'}" in ended.stderr
    assert "journal.directory" in ended.stderr


@pytest.mark.skipif(has_ip_vs() and os.geteuid() == 0, reason="this machine lets us drive its IPVS")
def test_without_ipvs_it_says_what_is_missing_and_touches_nothing(config: Path, journal: Path) -> None:
    ended = run(config, "--data-plane", "ipvs")
    assert ended.returncode == 3
    problem, remedy = ended.stderr.splitlines()
    assert problem.startswith(("error: the kernel has no IPVS", "error: IPVS needs the capability"))
    assert "sudo" in remedy
    assert not journal.exists()


def test_a_config_with_mistakes_touches_nothing(config: Path, journal: Path) -> None:
    config.write_text(config.read_text().replace("dummy", "dumy"))
    ended = run(config)
    assert ended.returncode == 2
    assert "dumy" in ended.stderr
    assert not journal.exists()


def test_a_supervisor_that_crashes_ends_the_process_with_1_and_the_log_says_why(config: Path, journal: Path) -> None:
    broken = (
        "import kglb.actors.supervisor as actors; actors.UNKNOWN_INTERVAL = 0.5; "
        "actors.Supervisor._report_unknown = lambda self: 1 / 0; "
    )
    python, option, program, verb = RUN
    ended = subprocess.run(
        [python, option, broken + program, verb, str(config)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert lines[-1]["event"] == "the supervisor crashed, which ends the daemon; see ActorCrashed above"
    told = [line["message"] for line in lines if line["event"] in ("ActorCrashed", "DaemonStopping")]
    assert told == [
        "the supervisor crashed, which ends the daemon: ZeroDivisionError: division by zero",
        "the daemon stops (its supervisor crashed) and leaves its work to the kernel",
    ]
    assert "available" in answer("explain", "web", "--journal", str(journal))
    assert "identical" in answer("verify", str(journal))


def answer(*words: str) -> str:
    """What a verb that says yes says."""
    return subprocess.run([*RUN[:-1], *words], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
