"""Metrics of the daemon that follow from what it recorded alone, so that a journal has them, too."""

from collections.abc import Callable, Iterator

from kglb.projections import DataPlaneState, Holding
from kglb.web.exposition import Family, by_label, counter, gauge
from kglb.web.tally import Tally


def recorded_families(version: str, data_plane: DataPlaneState, tally: Tally) -> Iterator[Family]:
    """All of them."""
    yield gauge("kglb_build_info", "Always 1, for its label.", by_label("version", {version: 1}))
    yield counter("kglb_events_total", "Events recorded.", by_label("type", tally.events))
    yield from _sizes(data_plane)
    yield counter("kglb_operations_applied_total", "Operations the machine did.", by_label("operation", tally.applied))
    yield counter(
        "kglb_operations_failed_total", "Operations the machine refused.", by_label("operation", tally.failed)
    )
    yield counter(
        "kglb_drift_total",
        "Changes somebody else made to what is ours, as the operations they amount to.",
        by_label("operation", tally.drift),
    )
    yield counter(
        "kglb_probes_unknown_total",
        "Probes that said nothing of their real because the fault was ours, as far as recorded.",
        by_label("reason", tally.unknown),
    )
    yield counter("kglb_actor_restarts_total", "Actors started again after a crash.", by_label("kind", tally.restarts))


def _sizes(data_plane: DataPlaneState) -> Iterator[Family]:
    def both(name: str, what: str, size: Callable[[Holding], int]) -> Family:
        sizes = {"desired": size(data_plane.desired), "actual": size(data_plane.actual)}
        return gauge(name, f"{what} that are wanted, and that the machine is known to hold.", by_label("state", sizes))

    yield both("kglb_services", "Virtual services", lambda holding: len(holding.services))
    yield both("kglb_destinations", "Destinations", lambda holding: sum(map(len, holding.destinations.values())))
    yield both("kglb_addresses", "Addresses", lambda holding: len(holding.addresses))
