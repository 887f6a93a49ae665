"""OpenMetrics text with timestamps, for ``promtool tsdb create-blocks-from openmetrics``.

prometheus_client reads the daemon's own text and writes each series once: it knows labels, escapes and the names of
counters. The samples of a series differ in value and time alone, and are written here: by the library one takes 17 us.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.utils import floatToGoString

from kglb.web.exposition import Family, lines
from kglb.web.past_metrics import PastFamily


class LabelTakenError(Exception):
    """A label that was to be added is one that a metric has."""

    def __init__(self, label: str, metric: str) -> None:
        super().__init__(f"{metric} has a label {label} of its own")


class _Collected(NamedTuple):
    """What generate_latest asks of a registry."""

    metric: Metric

    def collect(self) -> list[Metric]:
        return [self.metric]


def openmetrics(families: Iterable[PastFamily], labels: Mapping[str, str], step: int, end: int) -> Iterator[str]:
    """The text, piece by piece; ``labels`` are added to every series. Raises LabelTakenError before the first."""
    for family, head, names in [(family, *_heads(family, labels)) for family in families]:
        yield head
        for name, series in zip(names, family.series.values(), strict=True):
            yield "".join(_lines(name, series.samples(step, end)))
    yield "# EOF\n"


def _lines(name: str, samples: Iterable[tuple[float, list[int]]]) -> Iterator[str]:
    for value, times in samples:
        text = f"{name} {floatToGoString(value)} "  # type: ignore[no-untyped-call]
        for at in times:
            yield f"{text}{timestamp(at)}\n"


def _heads(family: PastFamily, labels: Mapping[str, str]) -> tuple[str, list[str]]:
    """What opens a family, and each of its series without value and time."""
    told = Family(family.name, family.kind, family.help, ((braces, 0) for braces in family.series))
    (metric,) = text_string_to_metric_families("".join(lines([told])))
    for sample in metric.samples:
        for label in labels:
            if label in sample.labels:
                raise LabelTakenError(label, family.name)
        sample.labels.update(labels)
    text = generate_latest(_Collected(metric)).decode()  # type: ignore[no-untyped-call]
    found = text.split("\n")[:-2]  # without its end
    opening = [line for line in found if line.startswith("#")]
    return "\n".join(opening) + "\n", [line.rpartition(" ")[0] for line in found[len(opening) :]]


def timestamp(at: int) -> str:
    """Milliseconds as seconds, so that who multiplies the nearest float by 1000 and cuts off has them again.

    Prometheus does. The float that is nearest to a millisecond may be just below it.
    """
    seconds, rest = divmod(at, 1000)
    if not rest:
        return str(seconds)
    text = f"{seconds}.{rest:03d}"
    return text if int(float(text) * 1000) == at else f"{text}001"
