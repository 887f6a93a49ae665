"""Each alert fires when it should, and not when it should not."""

import json
import re
from pathlib import Path
from typing import Any

from generate import ROOT
from kglb.cli.notifying.standing import Standing, families
from kglb.projections import State
from kglb.web.status import Status
from tests.packaging.promtool import STEPS, always, growing, needs_promtool, run_promtool
from tests.web.builders import WELL

RULES = ROOT / "packaging" / "prometheus" / "kglb-actors.rules.yml"
RUNBOOK = ROOT / "docs" / "runbook.md"

LABELS = 'instance="a",job="kglb",balancer="web",service="tcp://192.0.2.1:80"'
Series = dict[str, str]
"""Values in promtool's notation, by the metric's name and its own labels."""


def jumping(times: int) -> str:
    """A value that goes from 0 to 1 and back in the last minutes, so many changes in all."""
    return f"1+0x{STEPS - times} " + " ".join(str(number % 2) for number in range(times))


def slow(name: str, bound: float, *, by: float) -> Series:
    """A histogram whose observations are all above a bound, or below it."""
    return {
        f'{name}_bucket{{le="{bound}"}}': growing(by),
        f'{name}_bucket{{le="{2 * bound:g}"}}': growing(1),
        f'{name}_bucket{{le="+Inf"}}': growing(1),
    }


MODE = 'kglb_balancer_mode{mode="available"}'
BACKUP = 'kglb_balancer_mode{mode="backup"}'
INITIAL = 'kglb_balancer_mode{mode="initial"}'
FAILSAFE = 'kglb_balancer_mode{mode="failsafe"}'
REAL = 'kglb_real_healthy{real="10.0.0.1:80"}'
IN_ROTATION = 'kglb_real_in_rotation{real="10.0.0.1:80"}'
WEIGHT = 'kglb_real_weight{real="10.0.0.1:80"}'
APPLIED = 'kglb_real_applied_weight{real="10.0.0.1:80"}'
WANTED = 'kglb_route_wanted{prefix="192.0.2.1/32"}'
ANNOUNCED = 'kglb_route_announced{prefix="192.0.2.1/32"}'
REJECTED = "kglb_config_rejected"
UNKNOWN = 'kglb_probes_total{status="unknown"}'
PROBES = 'kglb_probes_total{status="success"}'
LATENESS = "kglb_probe_lateness_seconds_total"
RESTARTS = 'kglb_actor_restarts_total{kind="applier"}'
DRIFT = 'kglb_drift_total{operation="DeleteService"}'
TOLD_UNTIL = 'kglb_notify_told_until_timestamp_seconds{notifier="chat"}'
PASSED_OVER = 'kglb_notify_notices_total{notifier="chat",result="passed_over"}'
ONCE = f"0+0x{STEPS - 10} 1+0x10"

FIRES: list[tuple[str, Series]] = [
    ("KglbAllRealsDown", {FAILSAFE: always(1)}),
    ("KglbAllRealsDown", {'kglb_balancer_mode{mode="unavailable"}': always(1)}),
    ("KglbNeverUp", {INITIAL: always(1)}),
    ("KglbNoUpstreams", {'kglb_balancer_mode{mode="no_upstreams"}': always(1)}),
    ("KglbOnBackups", {BACKUP: always(1)}),
    ("KglbNoBackupAlive", {"kglb_balancer_backups": always(2), "kglb_balancer_alive_backups": always(0)}),
    ("KglbFewRealsAlive", {"kglb_balancer_alive_ratio": always(0.4), MODE: always(1)}),
    ("KglbRealDown", {REAL: always(0), IN_ROTATION: always(1)}),
    ("KglbRealFlapping", {REAL: jumping(8)}),
    ("KglbWeightNotApplied", {WEIGHT: always(1000), APPLIED: always(0)}),
    ("KglbWeightNotApplied", {WEIGHT: always(1000)}),
    ("KglbRouteNotAnnounced", {WANTED: always(1), ANNOUNCED: always(0)}),
    ("KglbRouteProhibited", {WANTED: always(0), ANNOUNCED: always(0)}),
    ("KglbPoolFailing", {"kglb_pool_failing": always(1)}),
    ("KglbPoolLacking", {"kglb_pool_lacking": always(2)}),
    ("KglbChecksStopped", {"kglb_balancer_oldest_check_age_seconds": growing(60)}),
    ("KglbProbesStalled", {"kglb_probes_stalled_seconds": growing(60)}),
    ("KglbChecksUnknown", {UNKNOWN: growing(1)}),
    ("KglbChecksLate", {LATENESS: growing(12), PROBES: growing(60)}),
    ("KglbReactionSlow", slow("kglb_reaction_duration_seconds", 1.0, by=0)),
    ("KglbOperationsRefused", {"kglb_operations_refused": always(2)}),
    ("KglbMachineUnconfirmed", {"kglb_machine_confirmed_age_seconds": growing(60)}),
    ("KglbDrift", {DRIFT: growing(1)}),
    ("KglbEntryContested", {"kglb_contested_entries": always(1)}),
    ("KglbMachineHangs", {"kglb_machine_call_age_seconds": growing(60)}),
    ("KglbForeignServices", {"kglb_foreign_services": always(1)}),
    ("KglbDirectorsDisagree", {'kglb_state_hash{instance="a"}': always(1), 'kglb_state_hash{instance="b"}': always(2)}),
    (
        "KglbDirectorsDisagree",
        {
            'kglb_state_hash{instance="a",cluster="east"}': always(1),
            'kglb_state_hash{instance="b",cluster="east"}': always(2),
        },
    ),
    ("KglbDown", {"up": always(0)}),
    ("KglbNotStarted", {"kglb_started": always(0)}),
    ("KglbRestarting", {"process_start_time_seconds": growing(60)}),
    ("KglbActorCrashed", {RESTARTS: ONCE}),
    ("KglbConfigRejected", {REJECTED: ONCE}),
    ("KglbJournalDegraded", {"kglb_journal_degraded": always(1)}),
    ("KglbJournalDiskFull", {"kglb_journal_disk_free_bytes": always(1e8)}),
    ("KglbJournalSlow", slow("kglb_journal_sync_duration_seconds", 0.5, by=0)),
    ("KglbLoopLag", slow("kglb_loop_lag_seconds", 0.1, by=0)),
    ("KglbDescriptorsShort", {"process_open_fds": always(900), "process_max_fds": always(1000)}),
    ("KglbNotifyStuck", {TOLD_UNTIL: f"0+60x10 600+0x{STEPS - 10}"}),
    ("KglbNotifyRefused", {PASSED_OVER: ONCE}),
]

IS_QUIET: list[Series] = [
    {FAILSAFE: always(0), MODE: always(1), "kglb_balancer_alive_ratio": always(0.6)},
    {BACKUP: always(0), "kglb_balancer_backups": always(0), "kglb_balancer_alive_backups": always(0)},
    {REAL: always(1), WEIGHT: always(1000), APPLIED: always(1000)},
    {REAL: jumping(2), IN_ROTATION: always(1)},
    {REAL: always(0), IN_ROTATION: always(0)},  # drained: somebody knows
    {WEIGHT: always(0)},  # the kernel does not hold it, and need not
    {FAILSAFE: always(0), MODE: always(0), "kglb_balancer_alive_ratio": always(0)},  # it has not decided yet
    {INITIAL: f"0+0x{STEPS - 1} 1"},  # it has just started: its first checks are on their way
    {WANTED: always(1), ANNOUNCED: always(1)},
    {"kglb_pool_failing": f"0+0x{STEPS - 5} 1+0x5", "kglb_pool_lacking": always(0)},  # a resolver that was restarted
    {"kglb_balancer_oldest_check_age_seconds": always(5)},
    {UNKNOWN: always(7), PROBES: growing(60), LATENESS: growing(0.6)},
    slow("kglb_reaction_duration_seconds", 1.0, by=1),
    {"kglb_operations_refused": always(0), "kglb_machine_confirmed_age_seconds": always(29), DRIFT: ONCE},
    {"kglb_foreign_services": always(0), "kglb_contested_entries": always(0)},
    {"kglb_machine_call_age_seconds": always(0.2), "kglb_probes_stalled_seconds": always(0)},
    {'kglb_state_hash{instance="a"}': always(1), 'kglb_state_hash{instance="b"}': always(1)},
    {'kglb_state_hash{cluster="east"}': always(1), 'kglb_state_hash{cluster="west"}': always(2)},
    {"up": always(1), "kglb_started": always(1), "process_start_time_seconds": always(1e9)},
    {RESTARTS: always(1), REJECTED: always(0), "kglb_journal_degraded": always(0)},
    {"kglb_journal_disk_free_bytes": always(1e9)},
    slow("kglb_journal_sync_duration_seconds", 0.5, by=1),
    slow("kglb_loop_lag_seconds", 0.1, by=1),
    {"process_open_fds": always(100), "process_max_fds": always(1000)},
    {TOLD_UNTIL: growing(60), PASSED_OVER: always(3)},
]


def promtool_test(number: int, series: Series, firing: str | None) -> dict[str, Any]:
    expected = [{"labels": f'{{alertname="{firing}"}}', "value": 1}] if firing else []
    return {
        "name": f"{number}: {firing or 'quiet'}",
        "interval": "1m",
        "input_series": [{"series": labelled(name), "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": "30m",
                "exp_samples": expected,
            }
        ],
    }


def labelled(series: str) -> str:
    """A series with the labels that all have; its own labels win."""
    name, _, own = series.rstrip("}").partition("{")
    common = [label for label in LABELS.split(",") if label.partition("=")[0] not in own]
    return f"{name}{{{','.join([*common, own] if own else common)}}}"


@needs_promtool
def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    run_promtool("check", "rules", RULES)


@needs_promtool
def test_an_alert_fires_on_what_it_is_for_and_on_nothing_else(tmp_path: Path) -> None:
    cases = [*FIRES, *((None, series) for series in IS_QUIET)]
    tests = [promtool_test(number, series, firing) for number, (firing, series) in enumerate(cases)]
    path = tmp_path / "alerts.yml"  # JSON is YAML
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    run_promtool("test", "rules", path)


def test_every_alert_is_tried_and_has_its_entry_in_the_runbook() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text())
    assert [name for name in alerts if name not in dict(FIRES)] == []
    assert re.findall(r"^### (Kglb\w+)$", RUNBOOK.read_text(), re.MULTILINE) == alerts
    links = re.findall(r"runbook_url: docs/runbook.md#(\w+)", RULES.read_text())
    assert links == [name.lower() for name in alerts]


def test_every_metric_that_is_used_is_one_that_there_is() -> None:
    exposed = {family.name for family in [*Status(State(), lambda: WELL).families(), *families(Standing(), 0, "")]}
    used = set(re.findall(r"\b(?:kglb|process)_\w+", RULES.read_text()))
    assert used, "nothing is used at all"
    assert {name for name in used if re.sub("_(bucket|sum|count)$", "", name) not in exposed} == set()
