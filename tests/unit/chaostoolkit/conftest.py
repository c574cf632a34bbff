"""A `chaos run`'s process on a cluster in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aftershock.chaostoolkit import sessions
from aftershock.cluster.connection import Cluster, Endpoint, Monitoring
from aftershock.faults.switch import REAPER_LEASE
from aftershock.testing.kube import FakeApi, node, pod

WEB = "http://127.0.0.1:30099"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    fake = FakeApi()
    fake.add("/api/v1/namespaces", {"metadata": {"name": "demo", "labels": {"aftershock.dev/allow": "true"}}})
    fake.add("/api/v1/nodes", node("master", control_plane=True), node("worker"), node("worker2"))
    fake.renewing.add(REAPER_LEASE)
    fake.add_pods(
        pod("prometheus-0", namespace="monitoring", node="master", app="prometheus"),
        pod("web-0"),
        pod("web-1", node="worker2"),
    )
    web = {
        "metadata": {"name": "web", "generation": 1},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}},
        },
        "status": {"observedGeneration": 1, "updatedReplicas": 2, "readyReplicas": 2, "replicas": 2},
    }
    fake.add("/apis/apps/v1/namespaces/demo/deployments", web)
    monitoring = Monitoring(namespace="monitoring", prometheus=Endpoint(url="http://127.0.0.1:9"))
    cluster = Cluster(
        context="kind-aftershock", provider="kind", kubeconfig="", api=fake, monitoring=monitoring,
        services={"demo/web": WEB},
    )  # fmt: skip
    monkeypatch.setattr(sessions, "connect", lambda settings: cluster)
    monkeypatch.setenv("AFTERSHOCK_RUN_DIR", str(tmp_path / "run7"))
    monkeypatch.setenv("AFTERSHOCK_EXPERIMENT_TIMELINE", str(tmp_path / "timeline.jsonl"))
    yield fake
    sessions.end()
