"""Whose alert is it, where scenarios run side by side: three at once, and an alert in the middle."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.observe.prometheus import Prometheus
from tests.cluster.conftest import Project

RULES = "/apis/monitoring.coreos.com/v1/namespaces/demo/prometheusrules"
NAMESPACES = "/api/v1/namespaces"
SIGN = "aftershock-test-sign"
"""A namespace whose existence is what the alert waits for: a rule itself is loaded too late."""
VICTIMS = {"reviews": "bookinfo", "details": "bookinfo", "sample-app": "demo"}
SCENARIO = """
  Scenario: {workload} is slow
    Given every workload of {namespace} is steady
    When the network of 1 {workload} pod is slower by 300ms for 50 seconds
    And the fault is over
    Then no alert fires
"""
GAMEDAY = """
name: whose
owners: [nobody]
side_by_side: 3
independent: [bookinfo, demo]
scenarios:
  - feature: features/whose.feature
    hypothesis: An alert belongs to whom its labels name.
"""


@contextmanager
def rule(cluster: Cluster, labels: dict[str, str]) -> Iterator[None]:
    """Have an alert SomebodyElses with these labels that fires while the sign is there; once it is loaded."""
    api = cluster.api
    fires = {
        "alert": "SomebodyElses",
        "expr": f'max(kube_namespace_created{{namespace="{SIGN}"}}) > 0',
        "labels": {"severity": "warning", **labels},
    }
    spec = {"groups": [{"name": "somebody-elses", "interval": "5s", "rules": [fires]}]}
    made = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "spec": spec}
    api.post(RULES, {**made, "metadata": {"name": "somebody-elses"}})
    try:
        wait_until(
            lambda: is_loaded(cluster, labels), within_s=180, every_s=1.0, what="the rule to be loaded"
        )
        yield
    finally:
        api.delete(f"{NAMESPACES}/{SIGN}")
        api.delete(f"{RULES}/somebody-elses")
        wait_until(lambda: api.find(f"{NAMESPACES}/{SIGN}") is None, within_s=60, what="the sign to go")


def is_loaded(cluster: Cluster, labels: dict[str, str]) -> bool:
    """Whether Prometheus has the alert with these labels; one of an earlier test is another."""
    groups = Prometheus(cluster.monitoring.prometheus).rules()
    rules = [rule for group in groups for rule in group["rules"] if rule["name"] == "SomebodyElses"]
    return any(rule["labels"].items() >= labels.items() for rule in rules)


def landed(reports: Path) -> int:
    """Return how many scenarios of the one run have their fault in effect."""
    records = [path.read_text(encoding="utf-8") for path in reports.glob("2*/*/timeline.jsonl")]
    return sum('"kind":"landed"' in text.replace(" ", "") for text in records)


def outcomes(api: KubeApi, project: Project) -> dict[str, Json]:
    """Run the three at once, the alert once all have their fault; return how each came out, by workload."""
    project.write("gamedays/whose.yaml", GAMEDAY)
    texts = [SCENARIO.format(workload=name, namespace=space) for name, space in VICTIMS.items()]
    project.write("features/whose.feature", "\n".join(["Feature: Whose alert is it", *texts]))
    done: list[Any] = []
    run = threading.Thread(target=lambda: done.append(project.aftershock("gameday", "gamedays/whose.yaml")))
    run.start()
    try:
        wait_until(
            lambda: landed(project.reports) == len(VICTIMS) or not run.is_alive(),
            within_s=120,
            every_s=0.5,
            what="three faults at once",
        )
        api.post(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SIGN}})
    finally:
        run.join()
    assert done[0].returncode == 1, done[0].stdout + done[0].stderr
    found = [json.loads(path.read_text()) for path in project.reports.glob("2*/*/scenario.json")]
    begun = sorted((each["began"], each["ended"]) for each in found)
    assert len(begun) == len(VICTIMS), done[0].stdout + done[0].stderr
    assert max(began for began, _ in begun) < min(ended for _, ended in begun), "not at the same time"
    return {each["name"].split()[0]: each for each in found}


def test_one_that_nobody_can_be_said_to_own_leaves_all_of_them_unknown(
    cluster: Cluster, api: KubeApi, project: Project
) -> None:
    with rule(cluster, {"team": "somebody"}):
        found = outcomes(api, project)
    assert {name: each["outcome"] for name, each in found.items()} == dict.fromkeys(VICTIMS, "inconclusive")
    assert all("its labels do not tell whose it is" in each["message"] for each in found.values())


@pytest.mark.parametrize("owner", ["sample-app"])
def test_one_that_names_a_workload_is_the_matter_of_that_scenario_alone(
    cluster: Cluster, api: KubeApi, project: Project, owner: str
) -> None:
    with rule(cluster, {"namespace": VICTIMS[owner], "deployment": owner}):
        found = outcomes(api, project)
    expected = dict.fromkeys(VICTIMS, "passed") | {owner: "violated"}
    assert {name: each["outcome"] for name, each in found.items()} == expected
    assert "SomebodyElses" in found[owner]["message"]
