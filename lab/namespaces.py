"""Network namespaces: make sockets in one, start a process in one, set its sysctls. Needs root.

A namespace is named as ``ip netns`` names it. A socket stays for ever in the namespace it was created in, so
one process can drive all of them. Nothing here decides what a network looks like: see ``lab.net``.
"""

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

CLONE_NEWNET = 0x40000000
NAMED = Path("/run/netns")
STOP_TIMEOUT = 20.0
"""Seconds a spawned process has to end after SIGTERM."""

_libc = ctypes.CDLL(None, use_errno=True)


class CommandError(Exception):
    """A command of the lab ended with an error; the message holds the command and what it said."""


def _enter(path: Path | str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(descriptor, CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)


def enter(name: str) -> None:
    """Move the calling thread, and what it starts from now on, into the namespace for good."""
    _enter(NAMED / name)


@contextmanager
def in_namespace(name: str) -> Iterator[None]:
    """Create sockets and start processes in the namespace; the calling thread alone, and back afterwards."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(name)
        try:
            yield
        finally:
            _enter(f"/proc/self/fd/{home}")
    finally:
        os.close(home)


@contextmanager
def spawn(
    name: str,
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stdin: int | None = subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process in the namespace for the length of the block; then end it and its children."""
    with in_namespace(name):
        process = subprocess.Popen(
            argv, env=env, cwd=directory, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )
    with process:
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session, and every process of its group."""
    _signal_group(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT)
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def sysctl(*settings: str) -> None:
    """Set sysctls of the calling thread's namespace, each as ``net.ipv4.ip_forward=1``."""
    for setting in settings:
        name, _, text = setting.partition("=")
        Path("/proc/sys", *name.split(".")).write_text(f"{text}\n")


def command(*argv: str, stdin: str = "") -> str:
    """Run a program in the calling thread's namespace and return what it printed; raises CommandError."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}\n{stdin}".rstrip())
    return done.stdout


def ip(*lines: str, family: Literal["-4", "-6"] | None = None) -> None:
    """Run lines of ``ip -batch`` in the calling thread's namespace; raises CommandError where one fails.

    Objects whose arguments do not tell (rules, tunnels, fou) take the ``family``.
    """
    options = [family] if family else []
    command("ip", *options, "-batch", "-", stdin="".join(f"{line}\n" for line in lines))
