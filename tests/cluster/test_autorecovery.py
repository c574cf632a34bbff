"""Auto-recovery as it is deployed: what it may, counts, does once, and leaves alone.

What takes objects of its own is here; the scenarios of features/autorecovery have the rest. They need the
addon (`aftershock up --with autorecovery`) and are marked so.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import time

import pytest

from aftershock.clock import pause, wait_until
from aftershock.cluster.api import Json
from aftershock.cluster.connection import Cluster
from aftershock.cluster.quantity import number
from aftershock.cluster.stack import is_ready
from aftershock.cluster.targets import CONTROL_PLANE
from tests.cluster.repairs import CRASHES, OWN, RUNS_OUT, SPACE, Repairs, deployment, may_act, space_of
from tests.cluster.test_alert_table import on_the_control_plane

pytestmark = pytest.mark.addon

APPS = f"/apis/apps/v1/namespaces/{SPACE}/deployments"
BUDGETS = f"/apis/policy/v1/namespaces/{SPACE}/poddisruptionbudgets"
HPAS = f"/apis/autoscaling/v2/namespaces/{SPACE}/horizontalpodautoscalers"
REVIEWS = "/apis/apps/v1/namespaces/bookinfo/deployments"
# More than the deployments have: a pod that is not ready may go where its budget is met without it.
NEVER = 2
OPT_OUT = {"autorecovery.aftershock.dev/opt-out": "true"}
# A pod is scheduled, started and at work well before.
SOON_S = 20.0
# Several looks of the component (every 2 s at the latest): what it does wrongly may come a moment later.
QUIET_S = 15.0


@pytest.fixture(scope="module")
def repairs(cluster: Cluster) -> Repairs:
    return Repairs(cluster)


@pytest.fixture(scope="module")
def acting(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with may_act(cluster, tmp_path_factory.mktemp("reports")):
        yield


@pytest.fixture
def space(cluster: Cluster) -> Iterator[str]:
    with space_of(cluster.api) as path:
        yield path


def budget(name: str, **spec: int) -> Json:
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, **spec}}


def quiet() -> None:
    pause(QUIET_S, what="a while to pass")


def test_its_summary_counts_every_pod_for_what_it_is(cluster: Cluster, repairs: Repairs, space: str) -> None:
    """Completed pods are no errors, nor is a failed pod of a job that another has completed."""
    leader = repairs.leader()
    every = lambda: repairs.ask(leader, "/summary")["total"] == len(cluster.api.items("/api/v1/pods"))  # noqa: E731 - asked again
    wait_until(every, within_s=20, what="every pod to be counted")
    before = repairs.ask(leader, "/summary")
    fails_first = f"import sys, time; sys.exit(time.time() < {time() + 8})"
    for name, program, more in (
        ("done", "pass", {"restartPolicy": "Never"}),
        ("broken", "raise SystemExit(1)", {"restartPolicy": "Never"}),
        ("homeless", "pass", {"nodeSelector": {"aftershock.dev/none": "such"}}),
        ("works", "import time; time.sleep(3600)", {}),
    ):
        template = deployment(cluster.api, name, program, **more)["spec"]["template"]
        cluster.api.post(f"{space}/pods", {**template, "metadata": {"name": name}})
    template = deployment(cluster.api, "job", fails_first, restartPolicy="Never")["spec"]["template"]
    job = {"metadata": {"name": "job"}, "spec": {"backoffLimit": 4, "template": template}}
    cluster.api.post(f"/apis/batch/v1/namespaces/{SPACE}/jobs", job)
    wanted = {"total": 6, "running": 1, "completed": 3, "pending": 1, "error": 1}

    def counted() -> bool:
        now = repairs.ask(leader, "/summary")
        return {state: now[state] - before[state] for state in wanted} == wanted

    wait_until(counted, within_s=60, every_s=1.0, what="the summary to count the six new pods")
    summary = repairs.ask(leader, "/summary")
    good = summary["running"] + summary["completed"]
    assert summary["success_rate"] == pytest.approx(good / summary["total"])
    assert repairs.figures()[leader]["autorecovery_pods/error"] == summary["error"]


@pytest.mark.usefixtures("acting")
def test_what_is_excluded_by_name_or_has_opted_out_is_left_alone(
    cluster: Cluster, repairs: Repairs, space: str
) -> None:
    """All run out of memory at once; one of them may be touched, which proves that it looks."""
    at = time() + SOON_S
    excluded = ("x-heartbeat", "exporter-of-x", "pod-opted-out", "opted-out")
    for name in ("plain", *excluded):
        body = deployment(cluster.api, name, RUNS_OUT.format(at=at))
        if name == "pod-opted-out":
            body["spec"]["template"]["metadata"]["annotations"] = OPT_OUT
        if name == "opted-out":
            body["metadata"]["annotations"] = OPT_OUT
        cluster.api.post(APPS, body)
    before = {name: repairs.ready_pod(name)["metadata"]["uid"] for name in ("plain", *excluded)}
    counted = sum(repairs.counted("out-of-memory", "excluded").values())
    assert "out-of-memory: restart pod" in repairs.acted("plain", within_s=SOON_S + 15)
    quiet()
    assert repairs.ready_pod("plain")["metadata"]["uid"] != before["plain"]
    assert [reason for reason, _ in repairs.told("plain")] == ["AutoRecovered"]
    for name in excluded:
        (pod,) = repairs.pods(name)
        assert pod["metadata"]["uid"] == before[name], name
        (status,) = pod["status"]["containerStatuses"]
        assert status["restartCount"] == 1, name
        assert status["lastState"]["terminated"]["reason"] == "OOMKilled", name
        assert repairs.told(name) == [], name
    assert sum(repairs.counted("out-of-memory", "excluded").values()) == counted + len(excluded)


@pytest.mark.usefixtures("acting")
def test_one_action_though_who_acts_is_lost_in_its_middle(
    cluster: Cluster, repairs: Repairs, space: str
) -> None:
    """A budget keeps an eviction under way; meanwhile the leader's pod goes. Another replica ends it."""
    at, about = time() + SOON_S, f"deployment/{SPACE}/held"
    cluster.api.post(BUDGETS, budget("held", minAvailable=NEVER))
    cluster.api.post(APPS, deployment(cluster.api, "held", RUNS_OUT.format(at=at)))
    before = repairs.ready_pod("held")["metadata"]["uid"]
    leader = repairs.leader()

    def acting() -> bool:
        return any(one["phase"] == "acting" and one["plan"] for one in repairs.incidents(about))

    wait_until(acting, within_s=SOON_S + 20, every_s=0.2, what="the eviction to be under way")
    counted = repairs.counted("out-of-memory", "acted")
    cluster.api.delete(f"{OWN}/pods/{leader}", {"gracePeriodSeconds": 0})
    assert repairs.leader() != leader
    assert repairs.ready_pod("held")["metadata"]["uid"] == before, "the budget was passed by"
    cluster.api.delete(f"{BUDGETS}/held")
    repairs.acted("held", within_s=30)
    quiet()
    assert repairs.ready_pod("held")["metadata"]["uid"] != before
    assert [reason for reason, _ in repairs.told("held")] == ["AutoRecovered"]
    (incident,) = repairs.incidents(about)
    assert (incident["outcome"], len(incident["done"])) == ("acted", 1)
    assert len([act for act in repairs.state()["acts"] if act["key"] == incident["finding"]["key"]]) == 1
    now = repairs.counted("out-of-memory", "acted")
    assert sum(times - counted.get(pod, 0) for pod, times in now.items()) == 1


@pytest.mark.usefixtures("acting")
def test_a_crash_loop_ends_by_a_new_pod_and_one_that_its_budget_keeps_by_company(
    cluster: Cluster, repairs: Repairs, space: str
) -> None:
    """The budget is not passed by: that is given up after 2 min; the sixth restart is many-restarts' affair.

    The kubelet's back-off before restarts one to six is 0, 10, 20, 40, 80 and 160 s.
    """
    program = CRASHES.format(until=time() + 60)
    cluster.api.post(BUDGETS, budget("kept", minAvailable=NEVER))
    for name in ("loose", "kept"):
        cluster.api.post(APPS, deployment(cluster.api, name, program))
    wait_until(lambda: repairs.pods("loose"), within_s=30, what="the pod of loose")
    (first,) = (pod["metadata"]["name"] for pod in repairs.pods("loose"))
    assert "crash-loop: restart pod" in repairs.acted("loose", within_s=240)
    repairs.ready_pod("loose")
    prepared = [text for reason, text in repairs.told("loose") if reason == "AutoRecoveryPrepared"]
    assert len(prepared) == 2, prepared
    logs = cluster.api.get(f"{OWN}/configmaps/autorecovery-logs")["data"]
    assert logs[f"{SPACE}.{first}.loose.5"].strip() == "what it wrote last"
    made = cluster.api.get(f"{BUDGETS}/autorecovery-loose")["spec"]
    assert (made["maxUnavailable"], made["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert "crash-loop" in repairs.acted("kept", within_s=180, reason="AutoRecoveryGaveUp")
    assert "many-restarts: scale deployment kept from 1 to 3" in repairs.acted("kept", within_s=90)
    assert cluster.api.get(f"{APPS}/kept")["spec"]["replicas"] == 3
    assert len([reason for reason, _ in repairs.told("loose") if reason == "AutoRecovered"]) == 1


@pytest.mark.usefixtures("acting")
def test_where_an_hpa_owns_the_replicas_its_least_is_raised(
    cluster: Cluster, repairs: Repairs, space: str
) -> None:
    cluster.api.post(APPS, deployment(cluster.api, "slow", "import time; time.sleep(3600)"))
    # A core each, which an idle pod never uses.
    resource = {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "1"}}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "slow"}
    spec = {
        "scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3,
        "metrics": [{"type": "Resource", "resource": resource}],
    }  # fmt: skip
    cluster.api.post(HPAS, {"metadata": {"name": "slow"}, "spec": spec})
    repairs.ready_pod("slow")
    repairs.alert({"alertname": "HighLatency", "namespace": SPACE, "job": "slow", "severity": "warning"})
    said = repairs.acted("slow", within_s=30)
    assert "raise the least of HPA slow, which owns deployment slow, from 1 to 3" in said
    assert cluster.api.get(f"{HPAS}/slow")["spec"]["minReplicas"] == 3
    three = lambda: cluster.api.get(f"{APPS}/slow")["spec"]["replicas"] == 3  # noqa: E731 - asked again
    wait_until(three, within_s=60, what="the HPA, and nobody else, to scale")


@pytest.mark.usefixtures("acting")
def test_who_is_nearest_its_limit_on_a_saturated_node_gets_memory(
    cluster: Cluster, repairs: Repairs, space: str
) -> None:
    """The node's saturation is said by its alert alone: the node itself is let be."""
    # On a worker on which nothing was done within the hour: between two actions on a node lie 10 minutes.
    acted_on = {act["object"] for act in repairs.state()["acts"]}
    workers = cluster.api.items("/api/v1/nodes", labelSelector=f"!{CONTROL_PLANE[0]}")
    names = sorted({node["metadata"]["name"] for node in workers} - {one[5:] for one in acted_on})
    assert names, "every worker had an action within the hour: this test has to come later"
    fills = "import time; hog = b'x' * (54 << 20); time.sleep(3600)"
    pinned = {"nodeSelector": {"kubernetes.io/hostname": names[0]}}
    cluster.api.post(APPS, deployment(cluster.api, "tight", fills, **pinned))
    repairs.ready_pod("tight")
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{SPACE}/pods"

    def is_near() -> bool:
        """Whether it was measured since it holds its memory: what a new container uses first is little."""
        uses = (one["containers"][0]["usage"]["memory"] for one in cluster.api.items(path))
        return any(number(use) > 0.8 * number("64Mi") for use in uses)

    wait_until(is_near, within_s=90, every_s=2.0, what="its use to be measured")
    repairs.alert({"alertname": "HighMemorySaturation", "node": names[0], "severity": "warning"})
    assert "high-memory-saturation: raise the memory limit of tight/tight from 64Mi to 320Mi" in (
        repairs.acted("tight", within_s=30)
    )
    (container,) = cluster.api.get(f"{APPS}/tight")["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "320Mi"
    repairs.ready_pod("tight", within_s=60)


@pytest.mark.usefixtures("acting")
def test_a_busy_control_plane_is_relieved_and_what_that_took_is_given_back(
    cluster: Cluster, repairs: Repairs, space: str
) -> None:
    reviews = {name: f"{REVIEWS}/{name}" for name in ("reviews-v1", "reviews-v2", "reviews-v3")}

    def replicas() -> dict[str, int]:
        return {name: cluster.api.get(path)["spec"]["replicas"] for name, path in reviews.items()}

    before, returned = replicas(), sum(repairs.counted("control-plane-cpu", "returned").values())
    burn = "import os; os.nice(19); os.fork(); os.fork()\nwhile True: pass"
    relieved = {**before, "reviews-v2": 0, "reviews-v3": 0}
    with on_the_control_plane(cluster, space, "burner", burn):
        wait_until(lambda: replicas() == relieved, within_s=120, every_s=0.5, what="relief")
    wait_until(lambda: replicas() == before, within_s=240, every_s=1.0, what="the replicas to be given back")
    now = sum(repairs.counted("control-plane-cpu", "returned").values())
    assert now == returned + 1

    def whole() -> bool:
        found = (cluster.api.get(path) for path in reviews.values())
        return all(is_ready({**one, "kind": "Deployment"}) for one in found)

    wait_until(whole, within_s=60, what="reviews to be whole")
