"""Whether a stream leads to systemd's journal, and how a line tells it how bad it is.

journald gives all lines of a service the same priority, unless a line begins with its own: sd-daemon(3). The stream's
device and inode are compared with ``JOURNAL_STREAM``, as systemd.exec(5) asks, because redirecting stderr leaves that
variable as it is.
"""

import os
from typing import TextIO

ERROR, WARNING, INFO, DEBUG = 3, 4, 6, 7
"""Priorities of syslog(3)."""


def leads_to_journald(stream: TextIO) -> bool:
    """Whether what is written to it is read by journald, which strips the priorities that it understands."""
    connected = os.environ.get("JOURNAL_STREAM")
    if not connected:
        return False
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):  # closed, or no file at all
        return False
    return connected == f"{there.st_dev}:{there.st_ino}"


def with_priority(text: str, priority: int) -> str:
    """A text with its priority before each line: journald takes every line for a message of its own."""
    return "\n".join(f"<{priority}>{line}" for line in text.split("\n"))
