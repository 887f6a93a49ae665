"""The text is read by prometheus_client's own parser, which holds a writer to the format's rules."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from kglb.web.exposition import counter, escape, gauge
from kglb.web.openmetrics import LabelTakenError, openmetrics, timestamp
from kglb.web.past_metrics import PastFamily, Series

STEP = 15_000
AT = 1_763_821_801_123


def family(name: str, *values: str, kind: str = "gauge") -> PastFamily:
    """A metric with a series for each value of its label, which is 1 from AT on and 2 a second later."""
    made = (counter if kind == "counter" else gauge)(name, "What it is.", [])
    found = PastFamily(made.name, made.kind, made.help, {})
    for value in values:
        series = found.series[f'{{name="{escape(value)}"}}'] = Series()
        series.put(AT, 1)
        series.put(AT + 1_000, 2)
    return found


def text(*families: PastFamily, **labels: str) -> str:
    return "".join(openmetrics(families, labels, STEP, AT + 60_000))


def only_family(exposed: str) -> Metric:
    (found,) = text_string_to_metric_families(exposed)  # type: ignore[no-untyped-call]
    assert isinstance(found, Metric)
    return found


def test_a_family_stands_together_each_series_in_the_order_of_time() -> None:
    found = only_family(text(family("kglb_real_healthy", "a", "b"), job="kglb"))
    assert (found.name, found.type, found.documentation) == ("kglb_real_healthy", "gauge", "What it is.")
    assert [sample.labels for sample in found.samples] == [{"name": "a", "job": "kglb"}] * 7 + [
        {"name": "b", "job": "kglb"}
    ] * 7
    times = [round(float(sample.timestamp or 0) * 1000) for sample in found.samples[:7]]
    assert times == [AT, AT + 1_000, *(1_763_821_815_000 + STEP * number for number in range(4)), AT + 60_000]
    assert [sample.value for sample in found.samples[:7]] == [1, 2, 2, 2, 2, 2, 2]


def test_the_text_ends_as_openmetrics_does() -> None:
    assert text() == "# EOF\n"
    assert text(family("kglb_real_healthy", "a")).endswith("\n# EOF\n")
    assert text(family("kglb_real_healthy", "a")).count("# EOF") == 1


def test_a_counter_is_one_for_openmetrics_too() -> None:
    found = only_family(text(family("kglb_drift_total", "a", kind="counter")))
    assert (found.name, found.type) == ("kglb_drift", "counter")
    assert {sample.name for sample in found.samples} == {"kglb_drift_total"}


@given(st.lists(st.text(), min_size=1, max_size=3, unique=True), st.text(min_size=1))
def test_any_label_comes_through(values: list[str], extra: str) -> None:
    found = only_family(text(family("kglb_real_healthy", *values), instance=extra))
    assert list(dict.fromkeys(sample.labels["name"] for sample in found.samples)) == values
    assert {sample.labels["instance"] for sample in found.samples} == {extra}


def test_a_label_that_a_metric_has_is_not_taken_from_it() -> None:
    with pytest.raises(LabelTakenError, match="kglb_real_healthy has a label name of its own"):
        text(family("kglb_real_healthy", "a"), name="other")


def test_prometheus_finds_each_millisecond_again() -> None:
    rng = random.Random(1)
    for at in (AT, AT - 1, 1_763_821_801_000, *(rng.randrange(4_000_000_000_000) for _ in range(20_000))):
        assert int(float(timestamp(at)) * 1000) == at  # as its parser does
        assert math.isclose(float(timestamp(at)), at / 1000, abs_tol=2e-6)
