"""The ten ways to be wrong that matter most, made for real, each with its verdict stated beforehand.

What is wrong is the system or its monitoring, changed through the API; the harness is the real
one, run as a user runs it. Steps before the one in question are met, so nothing else is wrong.
The healthy twins: of the faults the first scenario of the test of an alert that fires already;
of the load and the drain the project's own features.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from aftershock.clock import wait_until
from aftershock.cluster.api import Json, KubeApi
from aftershock.cluster.connection import Cluster
from aftershock.observe.prometheus import Prometheus
from tests.cluster.conftest import Project
from tests.cluster.seeding import PROMETHEUS_POD, Lab, open_namespace

NGINX = {
    "deployment": "/apis/apps/v1/namespaces/demo/deployments/nginx-web",
    "hpa": "/apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers/nginx-web",
    "budget": "/apis/policy/v1/namespaces/demo/poddisruptionbudgets/nginx-web",
}


def broken(workload: str, *then: str) -> str:
    """Return the steps of a scenario in which one pod runs out of memory."""
    given = "    Given every workload of seeded is steady\n"
    return f"{given}    When 1 {workload} pod runs out of memory\n    Then " + "\n    And ".join(then) + "\n"


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[None]:
    with open_namespace(cluster.api):
        yield


@pytest.fixture
def lab(api: KubeApi, cluster: Cluster, project: Project, namespace: None) -> Iterator[Lab]:
    """A lab whose monitoring is whole before a test, and the same after it."""
    lab = Lab(api, Prometheus(cluster.monitoring.prometheus), project)
    wait_until(lab.sound, within_s=60, every_s=1, what="the monitoring to be whole")
    # An alert of what ran before ends two minutes after its event, or once its pod is gone.
    wait_until(lab.quiet, within_s=180, every_s=1, what="the alerts of what ran before to be over")
    before = lab.rules()
    yield lab
    wait_until(lab.sound, within_s=120, every_s=1, what="the monitoring to be whole again")
    assert lab.rules() == before


@pytest.fixture
def victim(lab: Lab) -> Iterator[str]:
    """A workload of one pod, never restarted before."""
    with lab.workload("victim"):
        yield "victim"


def oom_rule(rules: list[Json]) -> Json:
    return next(rule for rule in rules if rule["alert"] == "PodOOMKilled")


def test_alert_that_fires_already_proves_nothing(lab: Lab, victim: str) -> None:
    healthy, again = lab.run(
        broken(
            victim,
            "victim recovers within 30 seconds",
            "PodOOMKilled fires within 30 seconds",
            "no other alert fires",
        ),
        broken(victim, "PodOOMKilled fires within 15 seconds"),
    )
    healthy.came_to("met", "met", "met")
    assert "it was firing already" in again.came_to("unknown")
    assert any('pod="victim-' in line for line in again.verdicts[-1].evidence)
    assert "1 passed, 1 inconclusive" in again.said
    assert again.exit_code == 1


def test_rule_that_is_missing(lab: Lab, victim: str) -> None:
    with lab.pod_rules(lambda rules: rules.remove(oom_rule(rules))):
        (ran,) = lab.run(
            broken(victim, "victim recovers within 30 seconds", "PodOOMKilled fires within 15 seconds")
        )
    assert "no loaded rule is called PodOOMKilled" in ran.came_to("met", "unknown")


def test_rule_that_selects_somebody_else(lab: Lab, victim: str) -> None:
    def narrow(rules: list[Json]) -> None:
        rule = oom_rule(rules)
        rule["expr"] = rule["expr"].replace('{reason="OOMKilled"}', '{reason="OOMKilled", namespace="shop"}')

    with lab.pod_rules(narrow):
        (ran,) = lab.run(
            broken(victim, "victim recovers within 30 seconds", "PodOOMKilled fires within 15 seconds")
        )
    assert "no firing sample in" in ran.came_to("met", "violated")
    assert "1 violated" in ran.said


def test_foreign_alert(lab: Lab, victim: str) -> None:
    """It stands before the expected one in its group: whenever that one fires, this one has."""
    foreign = {
        "alert": "SideEffect",
        "expr": 'max by (pod) (kube_pod_container_status_restarts_total{namespace="seeded"}) > 0',
        "labels": {"severity": "info"},
    }
    with lab.pod_rules(lambda rules: rules.insert(0, foreign)):
        (ran,) = lab.run(broken(victim, "PodOOMKilled fires within 30 seconds", "no other alert fires"))
    assert "also firing: SideEffect" in ran.came_to("met", "violated")


def test_silence_of_a_prometheus_that_was_away(lab: Lab, victim: str) -> None:
    """It comes back without its data; the alert fires late, but what else fired meanwhile is not known."""
    (ran,) = lab.run(
        broken(
            victim,
            "victim recovers within 30 seconds",
            "PodOOMKilled fires within 90 seconds",
            "no other alert fires",
        ),
        while_it_runs=lambda: lab.api.delete(PROMETHEUS_POD, {"gracePeriodSeconds": 0}),
    )
    assert "was evaluated" in ran.came_to("met", "met", "unknown")


def test_silence_over_missing_data(lab: Lab, victim: str) -> None:
    with lab.without_pods("monitoring", "kube-state-metrics"):
        (ran,) = lab.run(
            broken(victim, "victim recovers within 30 seconds", "PodOOMKilled fires within 15 seconds")
        )
    assert "had no fresh data for some time: kube-state-metrics" in ran.came_to("met", "unknown")


def test_readiness_that_is_stuck(lab: Lab, victim: str) -> None:
    """A wrong setting goes unnoticed until a container starts with it."""
    lab.misconfigure(victim)
    (ran,) = lab.run(
        broken(victim, "PodOOMKilled fires within 30 seconds", "victim recovers within 10 seconds")
    )
    assert "after the first degradation" in ran.came_to("met", "violated")


def test_replacement_that_belongs_to_somebody_else(lab: Lab) -> None:
    """As many Ready pods bear the label as before, but one is of another deployment."""
    with lab.workload("shop-one", app="shop"), lab.workload("shop-two", app="shop", replicas=0):
        lab.misconfigure("shop-one")
        (ran,) = lab.run(
            broken("shop", "shop recovers within 10 seconds"),
            while_it_runs=lambda: lab.scale("shop-two", 1),
        )
    assert "not recovered" in ran.came_to("violated")

    def first(name: str, *, ready: bool) -> datetime:
        seen = ran.timeline.select(
            source="kubernetes",
            kind="pod",
            where=lambda event: event.data["name"].startswith(name) and event.data["ready"] is ready,
        )
        assert seen, f"no pod of {name} was ever seen with ready={ready}: nothing was tried"
        return seen[0].at

    # By label it was back in time.
    assert first("shop-two", ready=True) - first("shop-one", ready=False) < timedelta(seconds=10)


def test_autoscaler_that_is_capped(lab: Lab) -> None:
    with lab.changed(NGINX["hpa"], lambda spec: spec.update(maxReplicas=spec["minReplicas"])):
        (ran,) = lab.run(
            "    Given every workload of demo is steady\n"
            "    And the HPA of nginx-web is at rest\n"
            "    When 100 users load nginx-web at 2 requests per second each for 60 seconds\n"
            "    Then the CPU of nginx-web passes 50 % of its requests\n"
            "    And the HPA scales nginx-web to what the formula gives\n",
            concern="scaling",
        )
    assert "capped: at" in ran.came_to("met", "unknown")


def test_drain_that_users_notice(lab: Lab) -> None:
    """One replica without a budget that ends at once, and a replacement that takes its time."""

    def abrupt(spec: Json) -> None:
        spec["replicas"] = 1
        container = spec["template"]["spec"]["containers"][0]
        del container["lifecycle"]
        container["readinessProbe"]["initialDelaySeconds"] = 3

    with (
        lab.changed(NGINX["hpa"], lambda spec: spec.update(minReplicas=1, maxReplicas=1)),
        lab.changed(NGINX["budget"], lambda spec: spec.update(minAvailable=0)),
        lab.changed(NGINX["deployment"], abrupt),
    ):
        lab.await_deployment(NGINX["deployment"])
        (ran,) = lab.run(
            "    Given every workload of demo is steady\n"
            "    And a client watches nginx-web\n"
            "    When the experiment drain-worker runs\n"
            "    Then the drained node was emptied\n"
            "    And every evicted pod is replaced within 30 seconds\n"
            "    And nginx-web answers throughout\n",
            concern="maintenance",
        )
    assert "of the probes failed" in ran.came_to("met", "met", "met", "violated")
