"""The Grafana dashboard: rows of panels, each a title, a unit and what Prometheus is asked."""

import json
from typing import Any, NamedTuple

Json = dict[str, Any]

_SOURCE = {"type": "prometheus", "uid": "${source}"}
_WHERE = 'instance=~"$instance"'
_INFO = f"kglb_balancer_info{{{_WHERE}}}"
_BALANCER = f'{_WHERE},balancer=~"$balancer"'
_WIDTH, _HEIGHT = 24, 8


class Panel(NamedTuple):
    """One panel: its queries by their legends."""

    title: str
    unit: str
    queries: dict[str, str]
    about: str = ""


def _quantile(name: str, by: str = "instance") -> str:
    return f"histogram_quantile(0.99, sum by ({by}, le) (rate({name}_bucket{{{_WHERE}}}[$__rate_interval])))"


def _mode(mode: str) -> str:
    return f'sum(kglb_balancer_mode{{{_BALANCER},mode="{mode}"}})'


def _per_second(name: str, *, by: str, where: str = _WHERE) -> str:
    return f"sum by ({by}) (rate({name}{{{where}}}[$__rate_interval]))"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Traffic": (
        Panel(
            "Balancers by mode",
            "short",
            {
                mode: _mode(mode)
                for mode in ("available", "backup", "initial", "failsafe", "unavailable", "no_upstreams")
            },
            "backup: no primary is up and backups serve; failsafe: all reals are down, or too few are up, and all get "
            "traffic; unavailable: all are down and none does.",
        ),
        Panel("Alive ratio", "percentunit", {"{{balancer}} {{service}}": f"kglb_balancer_alive_ratio{{{_BALANCER}}}"}),
        Panel(
            "Reals that are down",
            "short",
            {"{{balancer}} {{service}}": f"count by (balancer, service) (kglb_real_healthy{{{_BALANCER}}} == 0)"},
        ),
        Panel(
            "New connections",
            "cps",
            {"{{service}}": _per_second("kglb_ipvs_service_connections_total", by="service")},
        ),
        Panel(
            "Bytes in",
            "Bps",
            {"{{service}}": _per_second("kglb_ipvs_service_incoming_bytes_total", by="service")},
        ),
        Panel(
            "Connections by real",
            "short",
            {
                "{{service}} {{remote_address}}:{{remote_port}}": "sum by (service, remote_address, remote_port) "
                f"(kglb_ipvs_backend_connections_active{{{_WHERE}}})"
            },
        ),
        Panel(
            "Routes",
            "short",
            {
                "wanted {{prefix}}": f"kglb_route_wanted{{{_WHERE}}}",
                "announced {{prefix}}": f"kglb_route_announced{{{_WHERE}}}",
            },
        ),
        Panel("State hash", "none", {"{{instance}}": f"kglb_state_hash{{{_WHERE}}}"}, "Equal where directors agree."),
    ),
    "Checks": (
        Panel("Checks", "cps", {"{{status}}": _per_second("kglb_probes_total", by="status")}),
        Panel(
            "Failing checks by real",
            "cps",
            {
                "{{balancer}} {{real}}": _per_second(
                    "kglb_real_probes_total", by="balancer, real", where=f'{_BALANCER},status="failure"'
                )
                + " > 0"
            },
        ),
        Panel("Check duration, 99 %", "s", {"{{type}}": _quantile("kglb_probe_duration_seconds", "type")}),
        Panel("Reaction, 99 %", "s", {"{{instance}}": _quantile("kglb_reaction_duration_seconds")}),
        Panel(
            "Oldest check", "s", {"{{balancer}} {{service}}": f"kglb_balancer_oldest_check_age_seconds{{{_BALANCER}}}"}
        ),
        Panel(
            "Lateness of a check",
            "s",
            {
                "{{instance}}": f"rate(kglb_probe_lateness_seconds_total{{{_WHERE}}}[$__rate_interval]) / "
                f"on (instance) {_per_second('kglb_probes_total', by='instance')}"
            },
        ),
    ),
    "Machine": (
        Panel("Operations", "ops", {"{{operation}}": _per_second("kglb_operations_applied_total", by="operation")}),
        Panel(
            "Refused",
            "short",
            {"{{instance}}": f"kglb_operations_refused{{{_WHERE}}}"},
            "Operations that the kernel still refuses.",
        ),
        Panel(
            "Drift",
            "short",
            {"{{operation}}": f"sum by (operation) (increase(kglb_drift_total{{{_WHERE}}}[$__rate_interval])) > 0"},
            "Changes that somebody else made to our entries; the daemon undoes them.",
        ),
        Panel("Foreign services", "short", {"{{instance}}": f"kglb_foreign_services{{{_WHERE}}}"}),
    ),
    "Daemon": (
        Panel("Loop lag, 99 %", "s", {"{{instance}}": _quantile("kglb_loop_lag_seconds")}),
        Panel(
            "CPU",
            "percentunit",
            {"{{instance}}": _per_second("process_cpu_seconds_total", by="instance", where=f'{_WHERE},job=~"kglb.*"')},
        ),
        Panel("Memory", "bytes", {"{{instance}}": f'process_resident_memory_bytes{{{_WHERE},job=~"kglb.*"}}'}),
        Panel("Journal sync, 99 %", "s", {"{{instance}}": _quantile("kglb_journal_sync_duration_seconds")}),
        Panel(
            "Journal lag",
            "short",
            {
                "unwritten {{instance}}": f"kglb_journal_unwritten_records{{{_WHERE}}}",
                "unsynced {{instance}}": f"kglb_journal_unsynced_records{{{_WHERE}}}",
            },
        ),
        Panel("Journal disk, free", "bytes", {"{{instance}}": f"kglb_journal_disk_free_bytes{{{_WHERE}}}"}),
        Panel("Events", "ops", {"{{type}}": _per_second("kglb_events_total", by="type") + " > 0"}),
    ),
}


def grafana_dashboard() -> str:
    """The dashboard's JSON, as Grafana imports it."""
    panels: list[Json] = []
    top = 0
    for title, row in ROWS.items():
        panels.append({"type": "row", "title": title, "collapsed": False, "gridPos": _place(0, top, _WIDTH, 1)})
        top += 1
        for number, panel in enumerate(row):
            panels.append(_panel(panel, _place(12 * (number % 2), top + _HEIGHT * (number // 2), 12, _HEIGHT)))
        top += _HEIGHT * ((len(row) + 1) // 2)
    document = {
        "title": "kglb-actors",
        "uid": "kglb-actors",
        "schemaVersion": 38,
        "tags": ["kglb", "ipvs"],
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "10s",
        "templating": {"list": [_source(), _variable("instance", "kglb_started"), _variable("balancer", _INFO)]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }
    return json.dumps(document, indent=1) + "\n"


def _place(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: Panel, place: Json) -> Json:
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": _SOURCE, "expr": query, "legendFormat": legend}
            for number, (legend, query) in enumerate(panel.queries.items())
        ],
    }


def _source() -> Json:
    return {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _variable(name: str, metric: str) -> Json:
    """A choice among the values that a label of a metric has; all at first."""
    return {
        "name": name,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": f"label_values({metric}, {name})", "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
    }
