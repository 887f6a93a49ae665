"""What only the running process knows and no event says: how its prober, journal and log are doing."""

from collections.abc import Mapping

import msgspec

from kglb.checks.counts import CheckCounts, SourceCounts
from kglb.model import RealId, ServiceId
from kglb.model.histogram import Histogram


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """The process at one moment; counts are since its start.

    - ``start_time``: Unix time.
    - ``started``: the machine was read and the actors run.
    - ``probes``: answers by status (success, failure, unknown).
    - ``probe_lateness``: by how many seconds probes began after they were due, summed.
    - ``idle_connections``: how many are held to watch reals by.
    - ``journal_degraded``: why records do not reach the disk, "" while they do.
    - ``journal_disk_free``, ``journal_disk_size``: of the disk that the journal is on, in bytes; None if not known.
    - ``journal_unwritten``, ``journal_unsynced``: records that have yet to be written, and synced.
    - ``foreign_services``: virtual services in the machine that are not ours.
    - ``checked``: answers of each real that has a checker; ``probe_durations``: by type of check.
    - ``sources``: of pools, by service and the pool's id.
    - ``reactions``: from the verdict that changed a real's health until the machine has acknowledged what follows.
    - ``syncs``: of the journal to the disk. ``loop_lag``: by how much timers are late.
    - ``machine_silent``: for how many seconds a call to the kernel has not returned, 0 between calls.
    - ``probes_silent``: for how many seconds no probe has ended though some should have, 0 while they do.
    - ``contested``: entries of ours that somebody else changes again and again, with how often in a row.
    - ``now``: the loop's time. ``confirmed``: when the machine was last read or changed with success.
    """

    start_time: float
    started: bool
    probes: Mapping[str, int]
    probes_in_flight: int
    probe_lateness: float
    idle_connections: int
    journal_degraded: str
    journal_unwritten: int
    journal_unsynced: int
    foreign_services: int
    log_lines_dropped: int
    checked: Mapping[tuple[ServiceId, RealId], CheckCounts] = {}
    sources: Mapping[tuple[ServiceId, str], SourceCounts] = {}
    probe_durations: Mapping[str, Histogram] = {}
    reactions: Histogram = msgspec.field(default_factory=Histogram)
    syncs: Histogram = msgspec.field(default_factory=Histogram)
    loop_lag: Histogram = msgspec.field(default_factory=Histogram)
    machine_silent: float = 0.0
    probes_silent: float = 0.0
    contested: Mapping[str, int] = {}
    journal_disk_free: int | None = None
    journal_disk_size: int | None = None
    now: float = 0.0
    confirmed: float = 0.0
