"""Metrics of what reals and the sources of pools are asked: by check type, by real, by pool. Series of what is removed
are in none of them.
"""

from collections.abc import Iterator, Mapping

from kglb.checks.counts import CheckCounts, SourceCounts
from kglb.model import RealId, ServiceId
from kglb.projections import BalancerState, State
from kglb.web.exposition import Family, Sample, counter, escape, gauge, histograms
from kglb.web.vitals import Vitals

Checked = Mapping[tuple[ServiceId, RealId], CheckCounts]


def check_families(state: State, vitals: Vitals) -> Iterator[Family]:
    """All metrics about probes but the totals, and about sources."""
    checked, now = vitals.checked, vitals.now
    yield histograms(
        "kglb_probe_duration_seconds",
        "Time from a probe's connect to its verdict, by type of check.",
        "type",
        vitals.probe_durations,
    )
    yield counter("kglb_real_probes_total", "Probes of the real that ended.", _probes(state, checked))
    yield gauge(
        "kglb_real_last_check_age_seconds",
        "Time since the last probe of the real ended, or since its checks began.",
        _ages(state, checked, now),
    )
    yield gauge(
        "kglb_balancer_oldest_check_age_seconds",
        "The longest time since the last probe of any of the balancer's reals ended; absent without reals.",
        _oldest(state, checked, now),
    )
    yield counter(
        "kglb_pool_failures_total",
        "How often the pool's source was asked and gave no answer that can be used.",
        ((labels, source.failures) for labels, source in _sources(state, vitals)),
    )
    yield gauge(
        "kglb_pool_last_answer_timestamp_seconds",
        "When the pool's source last gave an answer; absent before the first since the start.",
        ((labels, round(source.answered, 3)) for labels, source in _sources(state, vitals) if source.answered),
    )


def _sources(state: State, vitals: Vitals) -> Iterator[tuple[str, SourceCounts]]:
    for balancer, labels in _balancers(state):
        for pool in balancer.config.pools:
            if (source := vitals.sources.get((balancer.config.id, pool.id))) is not None:
                yield f'{labels},pool="{escape(pool.id)}"}}', source


def _balancers(state: State) -> Iterator[tuple[BalancerState, str]]:
    for service, balancer in list(state.fleet.balancers.items()):
        yield balancer, f'{{balancer="{escape(balancer.config.name)}",service="{service}"'


def _reals(state: State, checked: Checked) -> Iterator[tuple[str, CheckCounts]]:
    for balancer, labels in _balancers(state):
        for real in list(balancer.reals):
            if (counts := checked.get((balancer.config.id, real))) is not None:
                yield f'{labels},real="{real}"', counts


def _probes(state: State, checked: Checked) -> Iterator[Sample]:
    for labels, counts in _reals(state, checked):
        yield labels + ',status="success"}', counts.success
        yield labels + ',status="failure"}', counts.failure
        yield labels + ',status="unknown"}', counts.unknown


def _ages(state: State, checked: Checked, now: float) -> Iterator[Sample]:
    for labels, counts in _reals(state, checked):
        yield labels + "}", round(max(0.0, now - counts.last), 3)


def _oldest(state: State, checked: Checked, now: float) -> Iterator[Sample]:
    for balancer, labels in _balancers(state):
        lasts = (checked.get((balancer.config.id, real)) for real in balancer.reals)
        oldest = min((counts.last for counts in lasts if counts is not None), default=None)
        if oldest is not None:
            yield labels + "}", round(max(0.0, now - oldest), 3)
