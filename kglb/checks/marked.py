"""Dials under a firewall mark, and only while the mark leads where it should.

Without the mark's service a marked connection goes where any client's goes: to whichever real the VIP's own service
picks. Its answer would be a false pass.
"""

import errno
from collections.abc import Callable
from socket import SocketType

from kglb.checks.dial import Dialer
from kglb.model.endpoint import Endpoint


class MarkedDialer(Dialer):
    """Connects from ``source`` under ``mark``, as long as ``is_placed`` says that the kernel has the mark's service."""

    __slots__ = ("_is_placed",)

    def __init__(self, source: str, mark: int, is_placed: Callable[[], bool], *, fin: bool = False) -> None:
        super().__init__(source, mark, fin=fin)
        self._is_placed = is_placed

    def dial(self, target: Endpoint) -> SocketType:
        """As ``Dialer.dial``; raises OSError (ENOLINK, which accuses no real) while the mark leads nowhere."""
        if not self._is_placed():
            raise OSError(errno.ENOLINK, f"the service of mark {self.mark} is not in the kernel")
        return super().dial(target)
