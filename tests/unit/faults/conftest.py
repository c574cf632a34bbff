from __future__ import annotations

import pytest

from aftershock.testing import FakeClock
from aftershock.testing.kube import node, pod
from tests.unit.faults.carriers import Node


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api() -> Node:
    fake = Node()
    for name in ("demo", "monitoring"):
        labels = {"aftershock.dev/allow": "true"} if name == "demo" else {}
        fake.add("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    fake.add("/api/v1/nodes", node("worker"))
    image = {"containers": [{"name": "logger", "image": "aftershock.dev/components:abc123"}]}
    fake.add_pods(
        pod(
            "web-0",
            spec={
                "containers": [
                    {"name": "main", "image": "nginx", "resources": {"limits": {"memory": "64Mi"}}}
                ]
            },
        )
    )
    fake.add_pods(pod("logger", namespace="monitoring", app="logger", spec=image))
    return fake
