"""Says where the event loop is stuck: every stack on stderr, once it has not turned for some seconds.

The interpreter's own watchdog thread (``faulthandler``) writes it, without the loop and without the interpreter's lock.
"""

import asyncio
import faulthandler

LONGEST_TURN = 5.0
INTERVAL = 1.0
"""Seconds. Each time the loop turns, the wait begins anew."""


class StuckLoop:
    """Watches the running loop until closed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._turn()

    def _turn(self) -> None:
        faulthandler.dump_traceback_later(LONGEST_TURN, repeat=True)
        self._timer = self._loop.call_later(INTERVAL, self._turn)

    def close(self) -> None:
        """Watch no more."""
        self._timer.cancel()
        faulthandler.cancel_dump_traceback_later()
