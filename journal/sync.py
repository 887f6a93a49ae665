"""One fdatasync, made beside the writes that follow it. It knows nothing of records."""

import threading
from collections.abc import Callable


class Sync:
    """Puts a file on the platter up to ``size`` bytes, which is up to record ``seq``.

    Whoever comes first makes it; whoever comes then waits for its end. Afterwards it is ``done``, and ``error`` says
    why it failed, None if it did not.
    """

    __slots__ = ("_lock", "_make", "done", "error", "seq", "size")

    def __init__(self, make: Callable[[], None], size: int, seq: int) -> None:
        self._make = make
        self._lock = threading.Lock()
        self.size = size
        self.seq = seq
        self.error: Exception | None = None
        self.done = False

    def run(self) -> None:
        """Make it, or wait until it is made."""
        with self._lock:
            if self.done:
                return
            try:
                self._make()
            except Exception as error:
                self.error = error
            self.done = True
