"""What keeps an alert from being told: rules that are not loaded, and somebody who is away. It is said."""

from __future__ import annotations

from aftershock.clock import wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.connection import Cluster
from tests.cluster.conftest import Project

FEATURE = """
Feature: Somebody is away
  Scenario: Somebody is away
    Given every workload of bookinfo is steady
    When 1 reviews pod runs out of memory
    Then PodOOMKilled fires within 30 seconds
    And PodOOMKilled reaches the warning receiver within 10 seconds
"""
WEBHOOK = "/apis/apps/v1/namespaces/monitoring/deployments/alertmanager-webhook"
ALERTMANAGERS = "/apis/monitoring.coreos.com/v1/namespaces/monitoring/alertmanagers"


def scaled(cluster: Cluster, path: str, replicas: int) -> None:
    """Scale it, and wait until that many are there."""
    cluster.api.patch(path, {"spec": {"replicas": replicas}})

    def there() -> bool:
        status: Json = cluster.api.get(path).get("status", {})
        return int(status.get("availableReplicas") or 0) == replicas

    wait_until(there, within_s=120, every_s=1.0, what=f"{replicas} of {path}")


def test_a_webhook_that_is_away_makes_it_unknown(cluster: Cluster, project: Project) -> None:
    project.write("features/away.feature", FEATURE)
    scaled(cluster, WEBHOOK, 0)
    try:
        done = project.pytest("features/away.feature")
    finally:
        scaled(cluster, WEBHOOK, 1)
    assert done.returncode == 1
    assert "warning is told of PodOOMKilled within 10 s: unknown" in done.stdout
    assert "notifications failed" in done.stdout or "the webhook cannot be asked" in done.stdout
    assert "violated" not in done.stdout


def test_an_alertmanager_that_is_away_ends_the_run_before_it_begins(
    cluster: Cluster, project: Project
) -> None:
    [found] = cluster.api.items(ALERTMANAGERS)
    path = f"{ALERTMANAGERS}/{found['metadata']['name']}"
    project.write("features/away.feature", FEATURE)
    scaled(cluster, path, 0)
    try:
        done = project.pytest("features/away.feature")
    finally:
        scaled(cluster, path, int(found["spec"].get("replicas", 1)))
    assert done.returncode == 10
    assert "Alertmanager does not say whom it tells" in done.stdout
    assert "no scenario was run" in done.stdout or "not run" in done.stdout


def test_a_rule_that_the_operator_rejected_is_told_in_its_words(cluster: Cluster, project: Project) -> None:
    path = "/apis/monitoring.coreos.com/v1/namespaces/demo/prometheusrules"
    broken = {"alert": "NeverLoaded", "expr": "sum(rate(http_requests_total[5m])"}
    cluster.api.post(
        path,
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "broken"},
            "spec": {"groups": [{"name": "broken", "rules": [broken]}]},
        },
    )
    try:
        events = "/api/v1/namespaces/demo/events"
        wait_until(
            lambda: cluster.api.items(events, fieldSelector="involvedObject.name=broken") or None,
            within_s=30,
            what="the operator to say something",
        )
        project.write("features/away.feature", FEATURE.replace("PodOOMKilled", "NeverLoaded"))
        done = project.pytest("features/away.feature")
    finally:
        cluster.api.delete(f"{path}/broken", {})
    assert done.returncode == 4
    assert "PrometheusRule demo/broken has it" in done.stdout
    assert "rejected due to invalid configuration" in done.stdout


def test_a_name_that_no_rule_has_is_refused_with_the_one_that_is_meant(project: Project) -> None:
    project.write("features/away.feature", FEATURE.replace("PodOOMKilled", "PodOOMKiled"))
    done = project.pytest("features/away.feature")
    assert done.returncode == 4
    assert "did you mean PodOOMKilled?" in done.stdout or "no PrometheusRule has it either" in done.stdout
