"""The dashboard, as far as it can be tried without a Grafana: what each panel asks is answered by what the daemon says,
with every label that a legend names, and the document is what Grafana's model of a dashboard has.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from generate import ROOT
from kglb.checks.counts import CheckCounts
from kglb.dataplane.memory import MemoryDataPlane
from kglb.dataplane.worker import InlineWorker
from kglb.events import DriftFound, HealthChanged, RouteAnnounced, RoutesDecided
from kglb.model import AddDestination, AddService, Announce, DeleteService, Route
from kglb.model.histogram import MICROSECONDS, Histogram
from kglb.web.doubts import Doubts
from kglb.web.exposition import Family, lines
from kglb.web.status import Status
from kglb.web.traffic import TrafficReader
from tests.packaging.promtool import always, growing, needs_promtool, run_promtool
from tests.projections.builders import WEB, added, applied, balancer, real_id, started
from tests.web.builders import Fleet, vitals

DOCUMENT: dict[str, Any] = json.loads((ROOT / "packaging" / "grafana" / "kglb-actors.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DOCUMENT["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]

UNITS = {"short", "none", "percentunit", "cps", "ops", "Bps", "bytes", "s"}
"""Ids of units that Grafana knows (packages/grafana-data/src/valueFormats/categories.ts) and that we use."""

VARIABLES = {"$__rate_interval": "5m", "$instance": ".*", "$balancer": ".*"}
"""What Grafana puts in their place."""


def daemon() -> Status:
    """One that has something to say of everything: reals up and down, a route, traffic, drift."""
    fleet = Fleet()
    route = Route(prefix="192.168.100.10/32")
    web = msgspec.structs.replace(balancer(WEB, 2), announce=Announce())
    fleet.record(started())
    fleet.record(applied(web))
    for number in range(2):
        fleet.record(added(WEB, number, healthy=True))
    fleet.decide(WEB, "available", {real_id(number): 1000 for number in range(2)})
    fleet.apply_everything()
    fleet.record(HealthChanged(service=WEB, real=real_id(1), healthy=False, streak=-2, run=0))
    fleet.record(RoutesDecided(announce=(route,)))
    fleet.record(RouteAnnounced(route=route))
    machine = MemoryDataPlane()
    held = fleet.state.data_plane.actual
    machine.apply([AddService(held.services[WEB])])
    machine.apply([AddDestination(WEB, destination) for destination in held.destinations[WEB].values()])
    measured = Histogram(MICROSECONDS)
    measured.observe(0.001)
    counts = CheckCounts(1.0)
    counts.add("failure", 2.0, 0.001)
    known = vitals(
        checked={(WEB, real_id(number)): counts for number in range(2)},
        probe_durations={"tcp": measured},
        reactions=measured,
        syncs=measured,
        loop_lag=measured,
        journal_disk_free=1,
        journal_disk_size=2,
    )
    traffic = TrafficReader(InlineWorker(), machine, Doubts(fleet.state.data_plane))
    status = Status(fleet.state, lambda: known, traffic.read)
    for noted in (*fleet.events, DriftFound(changes=(DeleteService(WEB),))):
        status.note(noted)
    return status


@pytest.fixture(scope="module")
def exposed() -> list[Family]:
    """All that such a daemon says."""

    async def families() -> list[Family]:
        status = daemon()
        await status.prepare()
        return [family._replace(samples=list(family.samples)) for family in status.families()]

    return asyncio.run(families())


def series(families: list[Family]) -> Iterator[dict[str, str]]:
    """As Prometheus has them after minutes: what is counted has grown, what is measured has stayed."""
    for family in families:
        for line in lines([family]):
            if line.startswith("#"):
                continue
            name, value = line.rsplit(" ", 1)
            bare, _, labels = name.rstrip("}").partition("{")
            where = ",".join(['instance="a"', 'job="kglb"', *([labels] if labels else [])])
            moves = family.kind != "gauge"
            yield {"series": f"{bare}{{{where}}}", "values": growing(1) if moves else always(float(value))}


def asked(target: dict[str, Any]) -> str:
    """A target's query, as Grafana sends it."""
    query: str = target["expr"]
    for variable, value in VARIABLES.items():
        query = query.replace(variable, value)
    return query


@needs_promtool
def test_every_query_is_answered_with_the_labels_that_its_legend_names(exposed: list[Family], tmp_path: Path) -> None:
    checks = []
    for _, target in TARGETS:
        query = asked(target)
        labels = re.findall(r"{{(\w+)}}", target["legendFormat"])
        for number, label in enumerate(labels):
            query = f'label_replace({query}, "has_{number}", "yes", "{label}", ".+")'
        had = ", ".join(f"has_{number}" for number, _ in enumerate(labels))
        expected = "{" + ", ".join(f'has_{number}="yes"' for number, _ in enumerate(labels)) + "}"
        checks.append(
            {
                "expr": f"count by ({had}) ({query}) > bool 0",
                "eval_time": "20m",
                "exp_samples": [{"labels": expected, "value": 1}],
            }
        )
    test = {"interval": "1m", "input_series": list(series(exposed)), "promql_expr_test": checks}
    path = tmp_path / "dashboard.yml"  # JSON is YAML
    path.write_text(json.dumps({"rule_files": [], "evaluation_interval": "1m", "tests": [test]}))
    run_promtool("test", "rules", path)


def test_every_metric_that_is_asked_for_is_one_that_there_is(exposed: list[Family]) -> None:
    known = {family.name for family in exposed}
    used = set(re.findall(r"\b(?:kglb|process)_\w+", " ".join(target["expr"] for _, target in TARGETS)))
    assert {name for name in used if re.sub("_(bucket|sum|count)$", "", name) not in known} == set()


def test_no_variable_is_used_that_the_dashboard_lacks() -> None:
    offered = {variable["name"] for variable in DOCUMENT["templating"]["list"]} | {"__rate_interval"}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(DOCUMENT["panels"]))) <= offered
    for variable in DOCUMENT["templating"]["list"]:
        assert variable["type"] in ("datasource", "query")


def test_panels_are_told_apart_and_none_lies_on_another() -> None:
    ids = [panel["id"] for panel in DOCUMENT["panels"]]
    assert len(ids) == len(set(ids))
    cells = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in DOCUMENT["panels"])
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_has_what_grafana_reads(panel: dict[str, Any]) -> None:
    assert panel["type"] == "timeseries"
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
    names = [target["refId"] for target in panel["targets"]]
    assert names == sorted(set(names))
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
