from kglb.checks.counts import CheckCounts, SourceCounts
from kglb.events import RealRemoved
from kglb.model.histogram import Histogram
from kglb.web.check_metrics import check_families
from tests.projections.builders import WEB, real_id
from tests.web.builders import POOL, Fleet, Reading, pooled_fleet, read, vitals, web_fleet

LABELS = {"balancer": "web", "service": WEB}


def counts(last: float, *, success: int = 0, failure: int = 0) -> CheckCounts:
    made = CheckCounts(last)
    made.success, made.failure = success, failure
    return made


def reading(fleet: Fleet, **changes: object) -> Reading:
    return read(check_families(fleet.state, vitals(**changes)))


def test_each_real_counts_its_probes_by_status() -> None:
    checked = {(WEB, real_id(0)): counts(1.0, success=5, failure=2)}
    found = reading(web_fleet(2), checked=checked)
    assert found.value("kglb_real_probes_total", **LABELS, real=real_id(0), status="success") == 5
    assert found.value("kglb_real_probes_total", **LABELS, real=real_id(0), status="failure") == 2
    assert found.value("kglb_real_probes_total", **LABELS, real=real_id(0), status="unknown") == 0
    assert found.value("kglb_real_probes_total", **LABELS, real=real_id(1), status="success") is None


def test_a_check_that_has_stopped_grows_old() -> None:
    checked = {(WEB, real_id(0)): counts(100.0), (WEB, real_id(1)): counts(128.5)}
    found = reading(web_fleet(2), checked=checked, now=130.0)
    assert found.value("kglb_real_last_check_age_seconds", **LABELS, real=real_id(0)) == 30
    assert found.value("kglb_real_last_check_age_seconds", **LABELS, real=real_id(1)) == 1.5
    assert found.value("kglb_balancer_oldest_check_age_seconds", **LABELS) == 30


def test_a_removed_real_has_no_series_whatever_was_counted_of_it() -> None:
    fleet = web_fleet(1)
    fleet.record(RealRemoved(service=WEB, real=real_id(0), host=real_id(0)))
    found = reading(fleet, checked={(WEB, real_id(0)): counts(1.0)})
    assert not any(name.startswith(("kglb_real_", "kglb_balancer_")) for name, _ in found.samples)


def test_probe_durations_are_apart_by_type() -> None:
    tcp, http = Histogram((0.1,)), Histogram((0.1,))
    tcp.observe(0.05)
    http.observe(0.2)
    found = reading(Fleet(), probe_durations={"tcp": tcp, "http": http})
    assert found.value("kglb_probe_duration_seconds_bucket", type="tcp", le="0.1") == 1
    assert found.value("kglb_probe_duration_seconds_bucket", type="http", le="0.1") == 0
    assert found.value("kglb_probe_duration_seconds_bucket", type="http", le="+Inf") == 1
    assert found.value("kglb_probe_duration_seconds_count", type="http") == 1


def test_a_source_says_when_it_last_answered_and_how_often_it_did_not() -> None:
    labels = LABELS | {"pool": POOL.id}
    never = reading(pooled_fleet(), sources={(WEB, POOL.id): SourceCounts(failures=3)})
    assert never.value("kglb_pool_failures_total", **labels) == 3
    assert never.value("kglb_pool_last_answer_timestamp_seconds", **labels) is None
    once = reading(pooled_fleet(), sources={(WEB, POOL.id): SourceCounts(answered=1_800_000_000.5)})
    assert once.value("kglb_pool_last_answer_timestamp_seconds", **labels) == 1_800_000_000.5


def test_the_source_of_a_pool_that_the_config_does_not_have_has_no_series() -> None:
    found = reading(web_fleet(1), sources={(WEB, POOL.id): SourceCounts(failures=3)})
    assert not any(name.startswith("kglb_pool_") for name, _ in found.samples)
