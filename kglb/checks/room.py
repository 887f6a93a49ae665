"""How many descriptors the sockets of checks may take in all. Prober and vigil share them."""

import resource
from typing import Final

RESERVE: Final = 128
"""Descriptors that checks leave to the rest of the daemon: journal, kernel, status."""


def default_room() -> int:
    """What the descriptor limit of the process allows now, less the reserve, but never less than half of it."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(limit - RESERVE, limit // 2)
