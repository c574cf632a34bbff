from __future__ import annotations

from aftershock.testing.kube import FakeApi, node, pod
from benchmarks.faults.leavers import Leavers, choose, clear, objects, taint

ITEMS = {item["kind"]: item for item in objects(4, node="worker2", image="image:1")}
ON_WORKER2 = "spec.nodeName=worker2"
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


class Cluster(FakeApi):
    """Deletes at once what the taint is not tolerated by, as the API's own controller does."""

    def __init__(self) -> None:
        super().__init__()
        self.on_change = self.react

    def react(self, method: str, path: str) -> None:
        if "/nodes/" in path and self.objects[path]["spec"].get("taints"):
            for where, found in list(self.objects.items()):
                stays = found["spec"].get("tolerations") or found["spec"].get("nodeName") != "worker2"
                if "/pods/" in where and not stays:
                    del self.objects[where]


def test_a_node_is_cleared_of_all_but_what_stays_and_given_back() -> None:
    api = Cluster()
    api.add("/api/v1/nodes", node("worker"), node("worker2"))
    stays = {"spec": {"tolerations": [{"operator": "Exists"}]}}
    api.add_pods(
        pod("a", node="worker"),
        pod("b", node="worker"),
        pod("web", node="worker2"),
        pod("agent", node="worker2", owner="DaemonSet/agent", **stays),
        pod("disk", node="worker2", owner="DaemonSet/disk"),
    )
    chosen, moved = choose(api)
    assert (chosen.name, [found["metadata"]["name"] for found in moved]) == ("worker2", ["web"])
    clear(api, chosen, moved)
    there = [found["metadata"]["name"] for found in api.items("/api/v1/pods", fieldSelector=ON_WORKER2)]
    assert there == ["agent"]
    spec = api.get("/api/v1/nodes/worker2")["spec"]
    assert (spec.get("unschedulable"), len(spec["taints"])) == (None, 1)
    taint(api, "worker2", on=False)
    assert api.get("/api/v1/nodes/worker2")["spec"] == {}
