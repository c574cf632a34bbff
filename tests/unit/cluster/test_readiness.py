"""Whether a workload is whole, whatever a status says."""

from __future__ import annotations

import pytest

from aftershock.cluster.readiness import not_whole, too_few
from aftershock.testing.kube import FakeApi, pod

PATH = "/apis/apps/v1/namespaces/demo/deployments"


@pytest.fixture
def api() -> FakeApi:
    fake = FakeApi()
    fake.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    fake.add_pods(pod("web-0"), pod("web-1", node="worker2"))
    labels = {"app": "web"}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
    status = {"observedGeneration": 1, "updatedReplicas": 2, "readyReplicas": 2, "replicas": 2}
    fake.add(PATH, {"metadata": {"name": "web", "generation": 1}, "spec": spec, "status": status})
    return fake


def test_whole(api: FakeApi) -> None:
    assert not_whole(api, "web") == not_whole(api, "app=web", namespace="demo") == ""


def test_the_pods_count_and_not_a_status_that_is_older(api: FakeApi) -> None:
    api.delete("/api/v1/namespaces/demo/pods/web-0")
    assert not_whole(api, "web") == "1 of 2 pods of demo/web are Ready"


def test_a_pod_that_is_not_ready(api: FakeApi) -> None:
    api.add_pods(pod("web-0", status={"conditions": [{"type": "Ready", "status": "False"}]}))
    assert not_whole(api, "web") == "1 of 2 pods of demo/web are Ready"


def test_a_newer_specification_that_is_not_there_yet(api: FakeApi) -> None:
    api.patch(f"{PATH}/web", {"metadata": {"generation": 2}})
    assert not_whole(api, "web") == "not as specified: web"
    assert too_few(api, "web") == ""


def test_no_pod_alive(api: FakeApi) -> None:
    assert "no workload 'nobody'" in not_whole(api, "nobody")
    assert "no workload 'nobody'" in too_few(api, "nobody")


def test_only_those_that_count(api: FakeApi) -> None:
    said = too_few(api, "web", counts=lambda found: found["spec"]["nodeName"] == "worker")
    assert said == "1 of 2 pods of demo/web are Ready"


def test_pods_without_a_deployment(api: FakeApi) -> None:
    api.delete(f"{PATH}/web")
    assert not_whole(api, "app=web") == ""
