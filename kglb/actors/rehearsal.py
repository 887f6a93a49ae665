"""What would a start or a reload do? The daemon's own actors play it, on a machine that only takes notes.

Nothing is imitated: the same recorder, supervisor, balancers and applier run on a copy of the state, with a journal
that keeps nothing, probes that never answer, and a machine that is read but never changed. So what is planned is what
would be done at once; what probes bring about later is not in it.
"""

import asyncio

from kglb.actors.daemon import start
from kglb.actors.parts import Parts, Resolve
from kglb.actors.recorder import Fact, Recorder
from kglb.actors.runtime import Scheduler
from kglb.actors.supervisor import Stop
from kglb.actors.understudies import Attended, NoJournal, NoProber, Notebook, NoVigil, unresolved
from kglb.dataplane.port import DataPlane
from kglb.dataplane.worker import Caller
from kglb.events import ActorCrashed
from kglb.model import Config, Operation, SecretRef, secrets_of
from kglb.projections import State

CALM = 3
"""Turns of the loop in a row without anything to do, after which all is done."""

CLOSE_TIMEOUT = 5.0
"""Seconds that the actors may take to end."""

PATIENCE = 0.005
"""Seconds between two looks while a name or the machine is being asked."""


class Rehearsal:
    """One start, and perhaps one reload after it. ``state``, what the journal folds to, is used up.

    ``machine`` is only read, through ``worker``; ``resolve`` is asked for names.
    """

    def __init__(self, state: State, machine: DataPlane, worker: Caller, resolve: Resolve) -> None:
        self._state = state
        self._machine = Notebook(machine)
        self._attended = Attended(worker, resolve)
        self._crashes: list[ActorCrashed] = []

    async def start(self, config: Config) -> list[Operation]:
        """What a start with this config does. Raises OSError where the machine cannot be read."""
        return await self._play(config, None)

    async def reload(self, config: Config) -> list[Operation]:
        """What a reload of the daemon whose state this is does."""
        in_force = self._state.fleet.config
        assert in_force is not None, "a daemon that runs has a config"
        return await self._play(in_force, config)

    async def _play(self, config: Config, reloaded: Config | None) -> list[Operation]:
        scheduler = Scheduler(asyncio.get_running_loop())
        recorder = Recorder(self._state, scheduler)
        recorder.write_to(NoJournal(self._state.seq))
        recorder.observe(self._watch)
        parts = Parts(
            scheduler=scheduler,
            recorder=recorder,
            prober=NoProber(),
            vigil=NoVigil(),
            machine=self._machine,
            worker=self._attended,
            resolve=self._attended.resolve if reloaded is None else unresolved,
            secrets=_placeholders(config, reloaded or config),
        )
        daemon = await start(parts, config, digest="", source="", pid=0)
        try:
            await self._settled(scheduler)
            if reloaded is not None:
                self._machine.operations.clear()
                parts.resolve = self._attended.resolve
                await daemon.reload(reloaded, digest="", source="", secrets=parts.secrets)
                await self._settled(scheduler)
            return list(self._machine.operations)
        finally:
            daemon.stop(Stop(reason="rehearsed", on_stop="leave"))
            await daemon.finished
            await daemon.close(CLOSE_TIMEOUT)

    def _watch(self, fact: Fact) -> None:
        if isinstance(fact.event, ActorCrashed):
            self._crashes.append(fact.event)

    async def _settled(self, scheduler: Scheduler) -> None:
        """Return once nothing is left to do. Raises RuntimeError if an actor crashed: the rest would be missing."""
        calm = 0
        while calm < CALM:
            waits = self._attended.pending > 0
            calm = 0 if waits or not scheduler.idle or self._state.data_plane.dirty else calm + 1
            await asyncio.sleep(PATIENCE if waits else 0)
        if self._crashes:
            raise RuntimeError(f"{self._crashes[0].actor} crashed:\n{self._crashes[0].traceback}")


def _placeholders(*configs: Config) -> dict[SecretRef, str]:
    """Something in the place of each secret: no probe is made, so none is needed."""
    checks = [balancer.check for config in configs for balancer in config.balancers]
    return {ref: "unknown" for check in checks for ref in secrets_of(check)}
