"""Who is at the other end of a Unix socket, as the kernel says."""

import socket
import struct
from pathlib import Path
from typing import NamedTuple

_UCRED = struct.Struct("=iII")
_PASSWD = Path("/etc/passwd")


class Peer(NamedTuple):
    """A process, and as whom it runs."""

    pid: int
    uid: int
    gid: int


def peer_of(connection: socket.socket) -> Peer:
    """Who connected, or who listens. Raises OSError."""
    return Peer(*_UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))


def name_of(uid: int, sudo_user: str = "") -> str:
    """What to call a user in the journal. ``sudo_user`` is believed of root alone, who could claim anything.

    Only the local file is asked: a directory service that hangs would hang the daemon.

    >>> name_of(0, "kim"), name_of(4294967294, "kim")
    ('root (sudo of kim)', 'uid 4294967294')
    """
    name = _local_names().get(uid, f"uid {uid}")
    claimed = sudo_user if uid == 0 and sudo_user != name and sudo_user.isprintable() else ""
    return f"{name} (sudo of {claimed})" if claimed else name


def _local_names() -> dict[int, str]:
    try:
        lines = _PASSWD.read_text(errors="replace").splitlines()
    except OSError:
        return {}
    rows = (line.split(":") for line in lines)
    return {int(row[2]): row[0] for row in rows if len(row) > 2 and row[2].isdigit()}
