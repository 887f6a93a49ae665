"""Run one job on the host's own kernel, in namespaces of its own. Needs root and a kernel with ip_vs.

The job cannot touch the host's network or leave processes behind; it sees the host's files, /tmp included.
"""

import os
import shutil
import subprocess
from pathlib import Path

from lab.job import TIMED_OUT, Job, LabError

UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
SETUP = 'mkdir -p /run/netns; mount -t tmpfs tmpfs /run/netns; ip link set lo up; "$@"; exit $?'
"""Runs in the new namespaces: the names of the job's own network namespaces end with it, too."""


def has_ip_vs() -> bool:
    """Whether the kernel has ip_vs, in the calling process's network namespace."""
    return Path("/proc/net/ip_vs").exists()


def run(job: Job) -> int:
    """Run ``job``, loading ip_vs if need be; returns its exit status, or TIMED_OUT.

    Raises LabError without root or ip_vs.
    """
    if os.geteuid() != 0:
        raise LabError("only root can use the host's kernel; `make setup` installs the lab's, which needs no root")
    if not has_ip_vs() and (modprobe := shutil.which("modprobe", path=job.environment["PATH"])):
        subprocess.run([modprobe, "-q", "ip_vs"], check=False)
    if not has_ip_vs():
        raise LabError("the host's kernel has no ip_vs; `make setup` installs the lab's kernel, which has")
    try:
        return subprocess.run(
            [*UNSHARE, "sh", "-ec", SETUP, "sh", *job.command],
            env=job.environment,
            cwd=job.directory,
            timeout=job.timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return TIMED_OUT
