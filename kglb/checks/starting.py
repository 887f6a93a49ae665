"""How the program of a check is started: in a process group of its own, as a user without privileges.

A daemon that is root starts it as the check's user, which takes CAP_SETUID and CAP_SETGID, and none of them is left in
the program. Any other daemon has one user, its own.
"""

import errno
import os
import pwd
import subprocess
from functools import cache
from signal import SIGPIPE
from typing import NamedTuple

from kglb.model.check import ExecCheck


class User(NamedTuple):
    """Whom a program runs as."""

    uid: int
    gid: int


def start(check: ExecCheck, environment: dict[str, str], output: int) -> int:
    """Start the check's program, which writes to the descriptor ``output``; its process id. Raises OSError."""
    user = user_of(check.user) if os.geteuid() == 0 else None
    if user is None or user.uid == 0:
        return _as_ourselves(check.command, environment, output)
    return _as_another(check.command, environment, output, user)


@cache
def user_of(name: str) -> User:
    """The user of that name, as it was when first asked for. Raises OSError."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise OSError(errno.EINVAL, f"there is no user {name}") from None
    return User(entry.pw_uid, entry.pw_gid)


def _as_ourselves(command: tuple[str, ...], environment: dict[str, str], output: int) -> int:
    return os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ],
        setpgroup=0,
        setsigmask=[],
        setsigdef=[SIGPIPE],
    )


def _as_another(command: tuple[str, ...], environment: dict[str, str], output: int, user: User) -> int:
    started = subprocess.Popen(  # noqa: S603 - the config says which program
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        process_group=0,
        user=user.uid,
        group=user.gid,
        extra_groups=(),
    )
    started.returncode = 0  # its end is ours to wait for: Popen is not to look after it
    return started.pid
