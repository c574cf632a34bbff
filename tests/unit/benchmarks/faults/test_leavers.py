from __future__ import annotations

from aftershock.testing.kube import FakeApi, pod
from benchmarks.faults.leavers import Leavers, objects

ITEMS = {item["kind"]: item for item in objects(4, node="worker2", image="image:1")}
LABELS = ITEMS["Deployment"]["spec"]["template"]["metadata"]["labels"]
POD = ITEMS["Deployment"]["spec"]["template"]["spec"]


def test_the_pods_have_what_the_peer_needs_of_them() -> None:
    assert POD["volumes"]
    assert not any("emptyDir" in volume for volume in POD["volumes"])
    assert ITEMS["Deployment"]["spec"]["replicas"] == 4


def test_the_budget_covers_them() -> None:
    assert ITEMS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= LABELS.items()


def test_they_rather_run_on_the_node_but_may_go() -> None:
    assert set(POD["affinity"]["nodeAffinity"]) == {"preferredDuringSchedulingIgnoredDuringExecution"}
    assert "nodeSelector" not in POD
    compile(ITEMS["ConfigMap"]["data"]["leaver.py"], "leaver.py", "exec")


def test_they_are_gone_when_none_is_on_the_node() -> None:
    api = FakeApi()
    api.add_pods(pod("a", node="worker", metadata={"labels": LABELS}), pod("other", node="worker2"))
    there = Leavers(api=api, node="worker2", count=1)
    assert there.are_gone()
    api.add_pods(pod("b", node="worker2", metadata={"labels": LABELS}))
    assert not there.are_gone()
