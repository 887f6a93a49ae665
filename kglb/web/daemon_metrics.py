"""Metrics of the daemon itself: what it recorded, what it did to the machine, and how it is doing."""

from collections.abc import Callable, Iterator

from kglb import __version__
from kglb.projections import DataPlaneState, Holding
from kglb.web.exposition import Family, Sample, by_label, counter, gauge, histogram, single
from kglb.web.refusals import Refusals
from kglb.web.tally import Tally
from kglb.web.vitals import Vitals


def daemon_families(data_plane: DataPlaneState, tally: Tally, refusals: Refusals, vitals: Vitals) -> Iterator[Family]:
    """All metrics that are not about a single balancer or real."""
    yield gauge("kglb_build_info", "Always 1, for its label.", by_label("version", {__version__: 1}))
    yield gauge("kglb_started", "Whether the machine was read and the actors run.", single(int(vitals.started)))
    yield from _journal(tally, vitals)
    yield from _machine(data_plane, refusals, vitals)
    yield from _operations(tally, vitals)
    yield from _probes(tally, vitals)
    yield counter(
        "kglb_actor_restarts_total",
        "Actors started again after a crash.",
        by_label("kind", vitals.restarts),
    )
    yield counter("kglb_log_lines_dropped_total", "Log lines nobody took in time.", single(vitals.log_lines_dropped))


def _journal(tally: Tally, vitals: Vitals) -> Iterator[Family]:
    yield counter("kglb_events_total", "Events recorded.", by_label("type", tally.events))
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
    def both(name: str, what: str, size: Callable[[Holding], int]) -> Family:
        sizes = {"desired": size(data_plane.desired), "actual": size(data_plane.actual)}
        return gauge(name, f"{what} that are wanted, and that the machine is known to hold.", by_label("state", sizes))

    yield both("kglb_services", "Virtual services", lambda holding: len(holding.services))
    yield both("kglb_destinations", "Destinations", lambda holding: sum(map(len, holding.destinations.values())))
    yield both("kglb_addresses", "Addresses", lambda holding: len(holding.addresses))
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
    yield counter("kglb_operations_applied_total", "Operations the machine did.", by_label("operation", tally.applied))
    yield counter(
        "kglb_operations_failed_total", "Operations the machine refused.", by_label("operation", tally.failed)
    )
    yield counter(
        "kglb_drift_total",
        "Changes somebody else made to what is ours, as the operations they amount to.",
        by_label("operation", tally.drift),
    )
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


def _probes(tally: Tally, vitals: Vitals) -> Iterator[Family]:
    yield counter("kglb_probes_total", "Probes that ended.", by_label("status", vitals.probes))
    yield counter(
        "kglb_probes_unknown_total",
        "Probes that said nothing of their real because the fault was ours, as far as recorded.",
        by_label("reason", tally.unknown),
    )
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
