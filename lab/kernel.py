"""Boot Debian's user-mode-linux, run one job in it, power it off.

The kernel is a process of ours: it sees the host's files (hostfs), has its own /tmp, /run and network, one
CPU, and ends with the job. Its consoles are pipes, so that the job's output arrives live and byte for byte.
Nothing here needs root, and nothing of a run is left behind but what the job wrote outside /tmp and /run.
"""

import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from lab.job import TIMED_OUT, Job, LabError
from lab.xstate import preload

INIT = Path(__file__).with_name("init.sh")
TOOLS = ("linux.uml", "modprobe", "ip")
BOOT = ("linux.uml", "rootfstype=hostfs", "rootflags=/", "rw", "quiet", "console=tty2", "con=null")
"""The constant part of the command line. Consoles 0 and 1 are the job's, 2 is the log, 3 a lifeline."""

OWN_DIRECTORIES = ("/tmp", "/run", "/dev")
"""Where the kernel has file systems of its own instead of the host's."""

SCRATCH_PREFIX = "kglb-lab-"
LOG_TAIL = 2000


def missing_tools() -> tuple[str, ...]:
    """The programs a lab kernel needs that this machine lacks."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    return tuple(tool for tool in TOOLS if shutil.which(tool, path=path) is None)


def run(job: Job, memory: str = "1024M") -> int:
    """Run ``job`` in a kernel of its own, relaying its output; returns its exit status.

    ``memory`` is the kernel's, as ``512M`` or ``2G``.
    Returns TIMED_OUT when the job outlives its timeout. Raises LabError when the kernel dies.
    """
    if missing := missing_tools():
        raise LabError(f"no lab kernel without {', '.join(missing)}: run `make setup`")
    if absent := [str(path) for path in job.shared if not path.is_dir()]:
        raise LabError(f"expected a directory to share, found none at {', '.join(absent)}")
    with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX) as name:
        scratch = Path(name).resolve()
        _prepare(scratch, job)
        if not _boot(scratch, job, memory):
            return TIMED_OUT
        try:
            return int((scratch / "status").read_text())
        except (OSError, ValueError):
            log = (scratch / "log").read_text(errors="replace")[-LOG_TAIL:]
            raise LabError(f"the lab kernel died before the job ended; the last it said:\n{log}") from None


def _prepare(scratch: Path, job: Job) -> None:
    """Write what init.sh reads: itself, the job as a shell script, and the directories to mount."""
    assignments = [f"{name}={text}" for name, text in sorted(job.environment.items())]
    command = shlex.join(["env", "-i", *assignments, *job.command])
    (scratch / "init").write_bytes(INIT.read_bytes())
    (scratch / "job").write_text(f"cd {shlex.quote(str(job.directory))} || exit 125\nexec {command}\n")
    (scratch / "mounts").write_text("".join(f"{directory}\n" for directory in _hidden(job)))


def _hidden(job: Job) -> list[Path]:
    """The directories of the job that the kernel's own file systems would hide."""
    python = Path(sys.prefix), Path(sys.base_prefix)
    wanted = {path.resolve() for path in (job.directory, *python, *job.shared)}
    return sorted(path for path in wanted if any(path.is_relative_to(own) for own in OWN_DIRECTORIES))


def _memory_directory(memory: str) -> str:
    """Where the kernel's memory is a file: /dev/shm where that may be executed and is large enough."""
    status = os.statvfs("/dev/shm")
    needed = int(memory[:-1]) << {"M": 20, "G": 30}[memory[-1]]
    fits = status.f_bavail * status.f_frsize >= needed
    return "/dev/shm" if fits and not status.f_flag & os.ST_NOEXEC else tempfile.gettempdir()


def _boot(scratch: Path, job: Job, memory: str) -> bool:
    """Run the kernel to its end; False when the job's time was over first."""
    with (
        _pipe() as (out, out_end),
        _pipe() as (err, err_end),
        _pipe() as (life, _),
        (scratch / "log").open("wb") as log,
    ):
        consoles = [f"con0=null,fd:{out_end.fileno()}", f"con1=null,fd:{err_end.fileno()}", "con2=null,fd:1"]
        consoles.append(f"con3=fd:{life.fileno()},null")
        places = [f"uml_dir={scratch}/", f"LAB={scratch}", "init=/bin/sh", "--", f"{scratch}/init"]
        kernel = subprocess.Popen(
            [*BOOT, f"mem={memory}", *consoles, *places],
            env={"PATH": os.defpath + ":/usr/sbin:/sbin", "TMPDIR": _memory_directory(memory), **preload(scratch)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(out_end.fileno(), err_end.fileno(), life.fileno()),
            start_new_session=True,
        )
        try:
            out_end.close()
            err_end.close()
            return _relay(out, err, time.monotonic() + job.timeout)
        finally:
            _kill(kernel)


def _kill(kernel: subprocess.Popen[bytes]) -> None:
    """End the kernel and the processes that are its address spaces; all are of one session."""
    with suppress(ProcessLookupError):
        os.killpg(kernel.pid, signal.SIGKILL)
    kernel.wait()


def _relay(out: BinaryIO, err: BinaryIO, deadline: float) -> bool:
    """Copy the job's two streams to ours until both end; False when the deadline comes first."""
    with selectors.DefaultSelector() as selector:
        selector.register(out, selectors.EVENT_READ, sys.stdout.buffer)
        selector.register(err, selectors.EVENT_READ, sys.stderr.buffer)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            for key, _ in selector.select(left):
                if text := os.read(key.fd, 65536):
                    key.data.write(text)
                    key.data.flush()
                else:
                    selector.unregister(key.fileobj)
    return True


@contextmanager
def _pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """A pipe as two files, its reading end first."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as readable, open(writing, "wb", buffering=0) as writable:
        yield readable, writable
