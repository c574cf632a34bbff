"""What a run's figures are obtained on: what is known is told, what is not is left out."""

from __future__ import annotations

from aftershock.scene.facts import facts_of
from aftershock.testing.kube import FakeApi, node


def cluster(*kubelets: str) -> FakeApi:
    api = FakeApi()
    api.objects["/version"] = {"gitVersion": "v1.34.4"}
    for number, version in enumerate(kubelets):
        found = node(f"n{number}", control_plane=number == 0)
        found["status"] = {
            "allocatable": {"cpu": "2", "memory": "4Gi"},
            "nodeInfo": {"kubeletVersion": version, "containerRuntimeVersion": "containerd://1.6"},
        }
        api.add("/api/v1/nodes", found)
    return api


def test_versions_and_nodes() -> None:
    facts = facts_of(cluster("v1.34.4", "v1.34.4", "v1.34.4"))
    assert facts["kubernetes"] == facts["kubelet"] == "v1.34.4"
    assert facts["nodes"] == "3: 1 control plane, 2 workers"
    assert facts["node sizes"] == "2 CPU, 4Gi"
    assert facts["runtime"] == "containerd://1.6"
    assert {"aftershock", "python"} <= facts.keys()
    assert "kernel" not in facts  # the nodes did not say


def test_nodes_that_differ_are_counted() -> None:
    assert facts_of(cluster("v1.34.4", "v1.33.0", "v1.34.4"))["kubelet"] == "1 x v1.33.0, 2 x v1.34.4"


def test_a_control_plane_is_one_by_its_older_label_too_and_a_node_may_have_none() -> None:
    api = cluster()
    api.add("/api/v1/nodes", node("n0", metadata={"labels": {"node-role.kubernetes.io/master": ""}}))
    for number in (1, 2):
        api.add("/api/v1/nodes", node(f"n{number}", metadata={"labels": None}))
    assert facts_of(api)["nodes"] == "3: 1 control plane, 2 workers"


def test_a_cluster_that_says_nothing() -> None:
    assert facts_of(FakeApi()).keys() == {"aftershock", "python"}
