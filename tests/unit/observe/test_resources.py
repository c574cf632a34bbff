"""What is kept of each kind of object."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from aftershock.observe.resources import RESOURCES, quantity
from tests.unit.observe.kube import pod


def kept(kind: str, item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    resource = RESOURCES[kind]
    found = msgspec.json.decode(json.dumps(item).encode(), type=resource.type)
    return resource.subject_of(found), resource.data_of(found)


def test_pod() -> None:
    item = pod("a", deletionTimestamp="2026-01-01T00:01:00Z", annotations={"other": "x"})
    item["status"]["containerStatuses"][0] |= {
        "restartCount": 2,
        "containerID": "containerd://1",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {
            "terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-01-01T00:00:59Z"}
        },
    }
    subject, data = kept("pod", item)
    assert subject == "pod/demo/a"
    assert data["owner"] == {"kind": "ReplicaSet", "name": "web-1", "uid": "rs"}
    assert data["deletion_at"] == "2026-01-01T00:01:00Z"
    assert (data["node"], data["phase"], data["ready"], data["mirror"]) == ("worker", "Running", True, False)
    assert data["ready_since"] == "2026-01-01T00:00:05Z"
    (container,) = data["containers"]
    assert (container["restarts"], container["state"], container["reason"]) == (
        2,
        "waiting",
        "CrashLoopBackOff",
    )
    assert container["last"] == {
        "reason": "OOMKilled",
        "exit_code": 137,
        "started_at": None,
        "finished_at": "2026-01-01T00:00:59Z",
    }
    assert (container["cpu_request_m"], container["memory_request"]) == (100, 64 * 2**20)


def test_pod_that_has_only_been_made() -> None:
    _, data = kept(
        "pod", {"metadata": {"name": "a", "namespace": "demo", "uid": "u"}, "spec": {"containers": []}}
    )
    assert (data["ready"], data["node"], data["owner"], data["containers"]) == (None, None, None, [])


def test_static_pod_is_a_mirror_and_sidecars_count() -> None:
    item = pod("a", annotations={"kubernetes.io/config.mirror": "x"})
    item["spec"]["initContainers"] = [
        {"name": "proxy", "restartPolicy": "Always", "resources": {"requests": {"cpu": "20m"}}},
        {"name": "migrate"},
    ]
    _, data = kept("pod", item)
    assert data["mirror"] is True
    assert [container["name"] for container in data["containers"]] == ["main", "proxy"]
    assert data["containers"][1]["cpu_request_m"] == 20


def test_node() -> None:
    item = {
        "metadata": {"name": "worker", "uid": "u"},
        "spec": {"unschedulable": True, "taints": [{"key": "k", "effect": "NoSchedule"}]},
        "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]},
    }
    subject, data = kept("node", item)
    assert subject == "node/worker"
    assert (data["ready"], data["unschedulable"], data["taints"]) == (False, True, ["k=:NoSchedule"])


def test_event_is_about_its_object() -> None:
    item = {
        "metadata": {"name": "a.1", "namespace": "demo", "uid": "e"},
        "involvedObject": {"kind": "Pod", "namespace": "demo", "name": "a", "uid": "u"},
        "reason": "OOMKilling",
        "eventTime": "2026-01-01T00:00:00.123456Z",
        "series": {"count": 4, "lastObservedTime": "2026-01-01T00:00:09.5Z"},
    }
    subject, data = kept("event", item)
    assert subject == "pod/demo/a"
    assert (data["reason"], data["count"], data["about_uid"]) == ("OOMKilling", 4, "u")
    assert (data["first_at"], data["last_at"]) == ("2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:09.5Z")


def test_endpointslice_without_conditions_is_ready() -> None:
    item = {
        "metadata": {
            "name": "s",
            "namespace": "demo",
            "uid": "u",
            "labels": {"kubernetes.io/service-name": "web"},
        },
        "endpoints": [
            {"targetRef": {"kind": "Pod", "name": "a", "uid": "ua"}},
            {"conditions": {"ready": False}, "nodeName": "worker"},
        ],
    }
    _, data = kept("endpointslice", item)
    assert data["service"] == "web"
    assert [(found["uid"], found["ready"]) for found in data["endpoints"]] == [("ua", True), (None, False)]
    _, empty = kept("endpointslice", {"metadata": item["metadata"], "endpoints": None})
    assert empty["endpoints"] == []


def test_hpa_and_its_behaviour() -> None:
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}
    item = {
        "metadata": {"name": "web", "namespace": "demo", "uid": "u"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "minReplicas": 3,
            "maxReplicas": 10,
            "metrics": [metric, {"type": "Pods"}],
            "behavior": {"scaleUp": {"policies": []}},
        },
    }
    _, data = kept("hpa", item)
    assert data["target"] == "deployment/demo/web"
    assert (data["min"], data["max"], data["cpu_percent"], data["metrics"]) == (3, 10, 50, 2)
    assert data["behavior"] == {"scaleUp": {"policies": []}}
    assert (data["measured"], data["conditions"]) == ([], {})


def test_what_an_hpa_aims_at_and_what_it_says() -> None:
    cpu = {"name": "cpu", "target": {"averageUtilization": 70}}
    memory = {"name": "memory", "target": {"averageValue": "100Mi"}}
    own = {"metric": {"name": "rps"}, "target": {"averageValue": "1k"}}
    current = {"name": "cpu", "current": {"averageUtilization": 81, "averageValue": "203m"}}
    item = {
        "metadata": {"name": "web", "namespace": "demo", "uid": "u"},
        "spec": {
            "metrics": [
                {"type": "Resource", "resource": cpu},
                {"type": "Resource", "resource": memory},
                {"type": "Pods", "pods": own},
                {"type": "External", "external": {}},
            ]
        },
        "status": {
            "currentMetrics": [{"type": "Resource", "resource": current}, None],
            "conditions": [{"type": "ScalingActive", "status": "False", "reason": "Failed", "message": "no"}],
        },
    }
    _, data = kept("hpa", item)
    assert [(t["type"], t["name"], t["percent"], t["average_m"]) for t in data["targets"]] == [
        ("Resource", "cpu", 70, None),
        ("Resource", "memory", None, 100 * 2**20 * 1000),
        ("Pods", "rps", None, 1_000_000),
        ("External", None, None, None),
    ]
    assert data["measured"] == [{"type": "Resource", "name": "cpu", "percent": 81, "average_m": 203}]
    assert data["conditions"] == {"ScalingActive": {"status": "False", "reason": "Failed", "message": "no"}}


def test_pdb_takes_numbers_and_percentages() -> None:
    for value in (2, "50%"):
        spec = {"minAvailable": value, "selector": {"matchLabels": {"app": "web"}}}
        _, data = kept("pdb", {"metadata": {"name": "web", "namespace": "demo", "uid": "u"}, "spec": spec})
        assert (data["min_available"], data["max_unavailable"]) == (value, None)


def test_deployment_and_replicaset() -> None:
    meta = {"name": "web", "namespace": "demo", "uid": "u", "generation": 4}
    item = {
        "metadata": meta,
        "spec": {"replicas": 5},
        "status": {"readyReplicas": 2, "observedGeneration": 3},
    }
    _, data = kept("deployment", item)
    assert (data["replicas"], data["generation"], data["observed_generation"]) == (5, 4, 3)
    assert data["status"] == {"replicas": 0, "ready": 2, "available": 0, "updated": 0}
    _, data = kept("replicaset", item)
    assert (data["replicas"], data["ready"]) == (5, 2)


@pytest.mark.parametrize(
    ("text", "value"),
    [("100m", "0.1"), ("2", "2"), ("1234567n", "0.001234567"), ("64Mi", str(64 * 2**20)), ("1k", "1000")],
)
def test_quantities_are_exact(text: str, value: str) -> None:
    assert quantity(text) == Decimal(value)
