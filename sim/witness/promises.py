"""What was said to be on the disk is there: once the process is gone, and once the machine has crashed."""

from sim.disk import last_seq
from sim.world import World


class Promises:
    """Remembers at the end of a process what it had said."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._written = self._synced = 0

    def process_ends(self) -> None:
        """The process is about to be killed."""
        recorder = self._world.process.recorder
        self._written = self._synced = 0
        if recorder is not None and self._world.process.alive and not self._world.excuses.tainted:
            self._written = recorder.last_seq - recorder.unwritten
            self._synced = recorder.last_seq - recorder.unsynced

    def process_ended(self) -> None:
        """What the kernel had of the journal then, it still has."""
        self._must_have(self._written, "written")

    def crashed(self) -> None:
        """What was not synced is lost, and that alone."""
        self._must_have(self._synced, "on the platter")

    def _must_have(self, seq: int, what: str) -> None:
        if seq and (last := last_seq(self._world.platter)) < seq:
            raise self._world.violation(f"record {seq} was said to be {what}, the last one there is {last}")
