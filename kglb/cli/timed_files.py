"""The journal's files, with a watch on how long the disk takes to sync them."""

import time

from journal import OsFiles
from kglb.model.histogram import MICROSECONDS, Histogram


class TimedFiles(OsFiles):
    """Measures every ``sync``, of which there is one at a time; one that fails is measured, too."""

    def __init__(self) -> None:
        self.syncs = Histogram(MICROSECONDS)

    def sync(self, fd: int) -> None:
        """Wait until the file's contents are on the platter."""
        began = time.perf_counter()
        try:
            super().sync(fd)
        finally:
            self.syncs.observe(time.perf_counter() - began)
