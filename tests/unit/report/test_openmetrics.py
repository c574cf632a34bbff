"""A run as OpenMetrics, read back by the official parser and by promtool, which makes blocks of it."""

from __future__ import annotations

import math
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from aftershock.history.facts import Measure, RunFacts
from aftershock.report.openmetrics import as_openmetrics
from tests.unit.history.made import BEGAN, RECOVERS, recovery, run, scenario
from tests.unit.stack.conftest import find_tool

ODD = 'pods of "web"\\1\nnext'


@pytest.fixture
def facts() -> RunFacts:
    alert = Measure(kind="alert", subject="PodOOMKilled", value=12.5, unit="s", resolution=0.1)
    missed = Measure(kind="alert", subject="HighLatency", value=None, unit="s")
    budget = Measure(kind="budget", subject="nginx-web", value=0.5, unit="%", resolution=0.01)
    said = replace(RECOVERS, status="unknown", observed="no impact seen", name="again")
    first = scenario(recovery(5.25), alert, missed, budget, verdicts=[RECOVERS, RECOVERS, said])
    second = replace(scenario(recovery(7.0), name=ODD, folder="odd"), ended=BEGAN + timedelta(seconds=90.5))
    return replace(run(0, first, second), gameday="nightly")


def parsed(facts: RunFacts) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(as_openmetrics(facts))}


def test_the_official_parser_reads_every_figure_with_its_labels_and_time(facts: RunFacts) -> None:
    found = parsed(facts)
    recoveries = found["aftershock_recovery_seconds"]
    assert (recoveries.type, recoveries.unit) == ("gauge", "seconds")
    assert [(sample.labels["scenario"], sample.value) for sample in recoveries.samples] == [
        ("Web recovers", 5.25), (ODD, 7.0),
    ]  # fmt: skip
    assert recoveries.samples[0].labels == {
        "run": "run-ci-000", "profile": "ci", "cluster": "kind", "file": "features/recovery/web.feature",
        "scenario": "Web recovers", "folder": "web-recovers", "subject": "deployment/demo/web",
    }  # fmt: skip
    stamps = [float(sample.timestamp or 0) for sample in recoveries.samples]
    assert stamps == [BEGAN.timestamp() + 60, BEGAN.timestamp() + 90.5]
    latencies = {s.labels["alertname"]: s.value for s in found["aftershock_alert_latency_seconds"].samples}
    assert latencies == {"PodOOMKilled": 12.5, "HighLatency": math.inf}
    [spent] = found["aftershock_error_budget_spent_ratio"].samples
    assert (spent.value, spent.labels["service"]) == (pytest.approx(0.005), "nginx-web")
    assert len(found["aftershock_alert_latency_error_seconds"].samples) == 1


def test_verdicts_outcomes_and_the_run(facts: RunFacts) -> None:
    found = parsed(facts)
    statuses = [(s.labels["place"], s.labels["status"]) for s in found["aftershock_verdict_status"].samples]
    assert statuses == [("0", "met"), ("1", "met"), ("2", "unknown")]
    observed = found["aftershock_verdict_observed"].samples
    assert [(s.labels["unit"], s.value) for s in observed] == [("s", 5.25), ("s", 5.25)]
    outcomes = found["aftershock_scenario_outcome"].samples
    assert {(s.labels["feature"], s.labels["outcome"]) for s in outcomes} == {("Recovery", "passed")}
    [info] = found["aftershock_run"].samples
    assert (info.name, info.labels["state"], info.labels["gameday"]) == (
        "aftershock_run_info", "finished", "nightly",
    )  # fmt: skip
    assert [s.value for s in found["aftershock_run_duration_seconds"].samples] == [300.0]
    assert [s.value for s in found["aftershock_false_alarms"].samples] == [1.0, 1.0]


def test_a_run_without_scenarios_and_a_killed_one_are_valid_too() -> None:
    assert set(parsed(run(0))) == {"aftershock_run", "aftershock_run_duration_seconds"}
    killed = replace(run(0, scenario(recovery(1.0))), ended=None, state="running")
    [info] = parsed(killed)["aftershock_run"].samples
    assert float(info.timestamp or 0) == BEGAN.timestamp() + 60


def test_promtool_makes_blocks_of_it_and_finds_them_again(facts: RunFacts, tmp_path: Path) -> None:
    promtool = find_tool("promtool", variable="AFTERSHOCK_PROMTOOL", hint="`make test` puts it there")
    (tmp_path / "run.om").write_text(as_openmetrics(facts), encoding="utf-8")
    made = ["tsdb", "create-blocks-from", "openmetrics", "run.om", "data"]
    subprocess.run([promtool, *made], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "data" / "wal").mkdir()  # a dump asks for one; a Prometheus that gets the blocks has its own
    dumped = subprocess.run(
        [promtool, "tsdb", "dump", "data"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    samples = as_openmetrics(facts).count("\naftershock_")
    assert len([line for line in dumped if line]) == samples
    [line] = [line for line in dumped if "aftershock_recovery_seconds" in line and "web-recovers" in line]
    assert line.endswith(f"5.25 {int(BEGAN.timestamp() + 60) * 1000}")
