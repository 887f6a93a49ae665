"""What only the running process knows and no event says: how its prober, journal and log are doing."""

from collections.abc import Mapping

import msgspec


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """The process at one moment; counts are since its start.

    - ``start_time``: Unix time.
    - ``started``: the machine was read and the actors run.
    - ``probes``: answers by status (success, failure, unknown).
    - ``probe_lateness``: by how many seconds probes began after they were due, summed.
    - ``idle_connections``: how many are held to watch reals by.
    - ``restarts``: by kind of actor.
    - ``journal_degraded``: why records do not reach the disk, "" while they do.
    - ``journal_unwritten``, ``journal_unsynced``: records that have yet to be written, and synced.
    - ``foreign_services``: virtual services in the machine that are not ours.
    """

    start_time: float
    started: bool
    probes: Mapping[str, int]
    probes_in_flight: int
    probe_lateness: float
    idle_connections: int
    restarts: Mapping[str, int]
    journal_degraded: str
    journal_unwritten: int
    journal_unsynced: int
    foreign_services: int
    log_lines_dropped: int
