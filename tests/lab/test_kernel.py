"""``python -m lab run``: a command in a kernel of its own, with its output, its status and its bounds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.kernel import SCRATCH_PREFIX, missing_tools

pytestmark = pytest.mark.skipif(bool(missing_tools()), reason=f"without {', '.join(missing_tools())}: `make setup`")

ALL_BYTES = bytes(range(256)) * 2000


def lab(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lab", "run", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(lab(*arguments), capture_output=True, timeout=300, check=False)


def kernels_in(directory: Path) -> list[str]:
    """The processes of kernels whose scratch directory is in this one."""
    mark = f"LAB={directory}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found += [entry.name] if mark in (entry / "cmdline").read_bytes() else []
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_a_command_runs_where_ip_vs_is_with_its_arguments_output_and_status(tmp_path: Path) -> None:
    script = (
        'ipvsadm -A -t "$1" -s mh && ipvsadm -Sn && pwd && df --output=fstype /tmp /run /dev/shm && id -u'
        ' && echo it hurts >&2 && touch /tmp/gone "$2/kept" && exit 7'
    )
    done = run(
        "--on",
        "kernel",
        "--share",
        str(tmp_path),
        "--",
        "sh",
        "-c",
        script,
        "sh",
        "10.0.0.1:80",
        str(tmp_path),
    )
    assert done.returncode == 7
    assert done.stdout.decode().split("\n") == [
        *("-A -t 10.0.0.1:80 -s mh", os.getcwd(), "Type", "tmpfs", "tmpfs", "tmpfs", "0", "")
    ]
    assert b"it hurts\n" in done.stderr
    assert (tmp_path / "kept").exists()
    assert not Path("/tmp/gone").exists()


def test_output_arrives_byte_for_byte() -> None:
    program = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 2000)"
    assert run("--", sys.executable, "-c", program).stdout == ALL_BYTES


def test_a_command_that_does_not_end_is_killed_and_said_so() -> None:
    done = run("--timeout", "2.5", "--", "sleep", "60")
    assert done.returncode == 124
    assert b"had not ended after 2.5 s" in done.stderr


def test_a_kernel_that_dies_says_what_it_said() -> None:
    done = run("--", "sh", "-c", "echo c >/proc/sysrq-trigger; sleep 60")
    assert done.returncode == 125
    assert b"Kernel panic - not syncing: sysrq triggered crash" in done.stderr


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_no_kernel_outlives_the_process_that_booted_it(end: signal.Signals, tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    program = lab("--share", str(tmp_path), "--", "sh", "-c", f"touch {tmp_path}/started && sleep 60")
    with subprocess.Popen(program, env=environment, stderr=subprocess.DEVNULL) as process:
        wait_until((tmp_path / "started").exists)
        assert kernels_in(tmp_path)
        process.send_signal(end)
    wait_until(lambda: not kernels_in(tmp_path))
    if end == signal.SIGTERM:
        assert not list(tmp_path.glob(f"{SCRATCH_PREFIX}*"))
