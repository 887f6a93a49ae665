"""Metrics of the daemon itself: what it recorded, what it did to the machine, and how it is doing."""

from collections.abc import Iterator

from kglb import __version__
from kglb.projections import DataPlaneState
from kglb.web.exposition import Family, Sample, by_label, counter, gauge, histogram, single
from kglb.web.recorded_metrics import recorded_families
from kglb.web.refusals import Refusals
from kglb.web.tally import Tally
from kglb.web.vitals import Vitals


def daemon_families(data_plane: DataPlaneState, tally: Tally, refusals: Refusals, vitals: Vitals) -> Iterator[Family]:
    """All metrics that are not about a single balancer or real."""
    yield from recorded_families(__version__, data_plane, tally)
    yield gauge("kglb_started", "Whether the machine was read and the actors run.", single(int(vitals.started)))
    yield from _journal(vitals)
    yield from _machine(data_plane, refusals, vitals)
    yield from _operations(tally, vitals)
    yield from _probes(vitals)
    yield counter("kglb_log_lines_dropped_total", "Log lines nobody took in time.", single(vitals.log_lines_dropped))


def _journal(vitals: Vitals) -> Iterator[Family]:
    yield gauge(
        "kglb_journal_degraded",
        "Whether records fail to reach the disk.",
        single(int(bool(vitals.journal_degraded))),
    )
    yield gauge(
        "kglb_journal_unwritten_records",
        "Records that have yet to be written.",
        single(vitals.journal_unwritten),
    )
    yield gauge(
        "kglb_journal_unsynced_records",
        "Records that have yet to be synced to the disk.",
        single(vitals.journal_unsynced),
    )
    yield gauge(
        "kglb_journal_disk_free_bytes",
        "Room on the journal's disk for who is not root.",
        _if_known(vitals.journal_disk_free),
    )
    yield gauge("kglb_journal_disk_size_bytes", "Size of the journal's disk.", _if_known(vitals.journal_disk_size))
    yield histogram("kglb_journal_sync_duration_seconds", "Time the disk took to sync the journal.", vitals.syncs)


def _if_known(value: int | None) -> list[Sample]:
    return [] if value is None else single(value)


def _machine(data_plane: DataPlaneState, refusals: Refusals, vitals: Vitals) -> Iterator[Family]:
    yield gauge(
        "kglb_foreign_services",
        "Virtual services in the machine that are not ours.",
        single(vitals.foreign_services),
    )
    yield gauge(
        "kglb_operations_refused",
        "Operations the machine refused and that are still to be done.",
        single(len(refusals.standing(data_plane))),
    )
    yield gauge(
        "kglb_contested_entries",
        "Entries of ours that somebody else changes again and again; their repairs are kept apart.",
        single(len(vitals.contested)),
    )
    yield gauge(
        "kglb_machine_call_age_seconds",
        "For how long the call to the kernel that is being made has not returned; 0 between calls.",
        single(round(vitals.machine_silent, 3)),
    )
    yield gauge(
        "kglb_machine_confirmed_age_seconds",
        "Time since the machine was last read or changed with success.",
        single(round(max(0.0, vitals.now - vitals.confirmed), 3)),
    )


def _operations(tally: Tally, vitals: Vitals) -> Iterator[Family]:
    yield Family(
        "kglb_apply_duration_seconds",
        "summary",
        "Time the machine took for a batch of operations.",
        [("_sum", round(tally.apply_seconds, 6)), ("_count", tally.apply_batches)],
    )
    yield histogram(
        "kglb_reaction_duration_seconds",
        "Time from the verdict that changed a real's health until the machine had done what followed.",
        vitals.reactions,
    )


def _probes(vitals: Vitals) -> Iterator[Family]:
    yield counter("kglb_probes_total", "Probes that ended.", by_label("status", vitals.probes))
    yield gauge(
        "kglb_probes_stalled_seconds",
        "For how long no probe has ended though some should have; 0 while they do.",
        single(round(vitals.probes_silent, 3)),
    )
    yield gauge("kglb_probes_in_flight", "Probes under way.", single(vitals.probes_in_flight))
    yield counter(
        "kglb_probe_lateness_seconds_total",
        "By how much probes began after they were due, summed.",
        single(round(vitals.probe_lateness, 6)),
    )
    yield gauge("kglb_idle_connections", "Connections held to watch reals by.", single(vitals.idle_connections))
