"""What the actors share: the loop's clock, prober, vigil, recorder, the machine and the resolver, all replaceable."""

import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from random import Random

from msgspec import Struct, field

from kglb.actors.reactions import Reactions
from kglb.actors.recorder import Recorder
from kglb.actors.runtime import LoopActor, Scheduler
from kglb.actors.scrubbing import scrubber
from kglb.actors.turns import Turns
from kglb.checks.counts import CheckCounts, SourceCounts
from kglb.checks.port import ProberPort, VigilPort
from kglb.config.targets import Stamp, Targets, read_targets
from kglb.dataplane.port import DataPlane
from kglb.dataplane.route_engine import MemoryRoutes, RouteEngine
from kglb.dataplane.worker import Caller, InlineWorker
from kglb.decisions import Contest
from kglb.model import RealId, SecretRef, ServiceId
from kglb.model.histogram import Histogram

Resolve = Callable[[str, bool], Awaitable[tuple[str, ...]]]
"""All addresses of a name, IPv6 ones if so asked, at least one; raises OSError with a sentence that says why not."""


ReadTargets = Callable[[str, Stamp | None], Targets | None]
"""What a file of targets says, None if it is the one that was seen; raises OSError where there is none."""

Listen = Callable[[Callable[[], None]], None]
"""Has its argument called, and nothing else, whenever there is news."""

ListenToDoubts = Callable[[Callable[[ServiceId], None]], None]
"""Has its argument called with a service that somebody read and did not find as it is known."""


def unheard(told: Callable[..., None]) -> None:
    """Have no news."""


def _silent(event: str, **fields: object) -> None:
    """Say nothing."""


class Parts(Struct):
    """One per daemon. ``random`` is the only source of randomness; ``now`` (the loop's time in seconds, but finer than
    uvloop's whole milliseconds) the only clock, but that deadlines which outlive the daemon go by ``wall``, in seconds
    since the epoch; ``say`` writes to the operational log. Counted for the metrics are ``probes`` by status,
    ``unknowns`` by reason, ``foreign`` services, and what was ``checked`` of each real;
    measured ``probe_durations`` by type of check, ``reactions``, and when the machine was last ``confirmed`` to hold
    what we know. ``contests`` are the entries that somebody else changes, ``promises`` when each actor that waits for
    an answer must have it (see ``watchdog``), ``probes_stalled`` since when no probe has ended though some should
    have. ``draining`` are the connections, as last counted, of each real whose last one is waited for.
    ``on_address_loss`` takes whom to tell that an address has left the machine, ``on_doubt`` whom to tell that a
    service does not look as it is known. Checkers take ``first_turns``, and ``further_turns`` while their real is new.
    Files of targets are read through ``files``; ``sources`` are those of pools, by service and the pool's id.
    """

    scheduler: Scheduler
    recorder: Recorder
    prober: ProberPort
    vigil: VigilPort
    machine: DataPlane
    worker: Caller
    resolve: Resolve
    files: Caller = field(default_factory=InlineWorker)
    read_targets: ReadTargets = read_targets
    sources: dict[tuple[ServiceId, str], SourceCounts] = field(default_factory=dict)
    routes: RouteEngine = field(default_factory=MemoryRoutes)
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    random: Random = field(default_factory=Random)
    secrets: Mapping[SecretRef, str] = field(default_factory=dict)
    probes: Counter[str] = field(default_factory=Counter)
    unknowns: Counter[str] = field(default_factory=Counter)
    foreign: int = 0
    checked: dict[tuple[ServiceId, RealId], CheckCounts] = field(default_factory=dict)
    probe_durations: defaultdict[str, Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    reactions: Reactions = field(default_factory=Reactions)
    confirmed: float = 0.0
    contests: dict[str, Contest] = field(default_factory=dict)
    promises: dict[LoopActor, float] = field(default_factory=dict)
    probes_stalled: float | None = None
    draining: dict[tuple[ServiceId, RealId], int] = field(default_factory=dict)
    on_address_loss: Listen = unheard
    on_doubt: ListenToDoubts = unheard
    first_turns: Turns = field(default_factory=Turns)
    further_turns: Turns = field(default_factory=Turns)
    started: bool = False
    say: Callable[..., None] = _silent

    def use_secrets(self, secrets: Mapping[SecretRef, str]) -> None:
        """Use these for probes from now on, and record neither these nor those before."""
        self.recorder.scrub = scrubber((*self.secrets.values(), *secrets.values()))
        self.secrets = secrets
