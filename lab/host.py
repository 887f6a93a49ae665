"""Run one job on the host's own kernel, in a network namespace of its own. Needs root and a kernel with ip_vs."""

import os
import shutil
import subprocess
from pathlib import Path

from lab.job import TIMED_OUT, Job, LabError

ENTER = "mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && ip link set lo up && exec \"$@\""
"""Runs in the new namespaces: named network namespaces made by the job are seen by the job alone."""


def has_ip_vs() -> bool:
    """Whether this kernel has ip_vs, loading the module where that is possible."""
    table = Path("/proc/net/ip_vs")
    if not table.exists() and os.geteuid() == 0 and (modprobe := shutil.which("modprobe")):
        subprocess.run([modprobe, "-q", "ip_vs"], check=False)
    return table.exists()


def run(job: Job) -> int:
    """Run ``job`` in new network and mount namespaces; returns its exit status, or TIMED_OUT.

    Raises LabError without root or ip_vs.
    """
    if os.geteuid() != 0:
        raise LabError("only root can run the command on the host's kernel; `make setup` installs the lab kernel")
    if not has_ip_vs():
        raise LabError("the host's kernel has no ip_vs; `make setup` installs the lab kernel")
    unshare = ["unshare", "--net", "--mount", "--kill-child", "sh", "-ec", ENTER, "sh", *job.command]
    try:
        return subprocess.run(
            unshare, env=job.environment, cwd=job.directory, timeout=job.timeout, stdin=subprocess.DEVNULL, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        return TIMED_OUT
